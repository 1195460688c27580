"""The metadata of a stranger's file, in every dialect that is known. Bytes are walked with limits; nothing is evaluated."""

from studio.stamps.reading.dialects.novelai import read_stealth
from studio.stamps.reading.file import FileMetadata, StampRead, read, read_file
from studio.stamps.reading.witness import MetadataWitness

__all__ = ["FileMetadata", "MetadataWitness", "StampRead", "read", "read_file", "read_stealth"]
