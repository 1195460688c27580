"""From a bare Python to a ready .venv, with the standard library alone; nothing else of the studio is imported here.

start         what `studio.py` calls: set up, then become the command
install       the order of the set-up on one screen
torch_build   which build of PyTorch fits the machine, and from where
venv          the folder .venv: its paths, its mark of completeness, its lock, making and mending it
pip           running pip or uv, its few telling lines, its failures as sentences
"""
