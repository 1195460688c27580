"""The page: the only Gradio of the project. It talks to the studio of the engine and to nothing else."""
