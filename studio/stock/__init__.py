"""The models on this computer and how they get here: the Hugging Face hub, its cache, linked folders, hashes, the trash.

naming      what somebody typed → a repository, or one file of it
hub         the hub's API through the studio's one door; its refusals in plain sentences
choosing    which files of a repository are needed
transfer    one file: range requests into `<hash>.part`, checked, renamed whole
cache       the layout that the hub's own library uses
orders      what is wanted and how far it is, on the disk
downloader  carries one order after the other to its end
room        all of it together, as the rest of the studio sees it
"""
