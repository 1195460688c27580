"""Builds the tokenizer: a byte-level BPE in CLIP's format, small, with one token for each word of our captions.

Any other text falls back to pieces and at last to bytes, so nothing is unknown. After Sennrich et al. 2016,
arXiv 1508.07909.
"""

import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

from transformers import CLIPTokenizer

from studio.starter.captions import caption
from studio.starter.scenes import draw_scene

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77
_FRIENDLY = """the a an of and with in on at over under near behind front big small bright dark soft light colour color
colours colorful beautiful picture photo painting drawing scene landscape view no not very many few tall old new water sky
tree trees hill hills beach river lake"""


def _byte_letters() -> list[str]:
    """The 256 printable stand-ins for bytes, in the order of GPT-2 and CLIP."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + place) for place in range(len(rest))]


def _merge(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """``word`` with each occurrence of ``pair`` joined."""
    joined: list[str] = []
    for piece in word:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)


def learn_merges(words: Counter[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, the most frequent pair first, until every word is one piece."""
    split = {word: (*word[:-1], word[-1] + "</w>") for word in words}
    merges: list[tuple[str, str]] = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, pieces in split.items():
            for pair in pairwise(pieces):
                pairs[pair] += words[word]
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        split = {word: _merge(pieces, best) for word, pieces in split.items()}


def caption_words(count: int = 4000) -> Counter[str]:
    """How often each word of letters stands in ``count`` captions, and some words people add."""
    rng, words = random.Random(0), Counter(_FRIENDLY.split())
    for index in range(count):
        said = caption(draw_scene(0, index), rng).replace(",", " ").replace("-", " ").split()
        words.update(word for word in said if word.isalpha())
    return words


def build_tokenizer(folder: Path) -> CLIPTokenizer:
    """Writes vocab.json, merges.txt and tokenizer.json under ``folder`` and returns the tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    letters, merges = _byte_letters(), learn_merges(caption_words())
    entries = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    vocabulary = {entry: place for place, entry in enumerate(dict.fromkeys(entries))}
    tokenizer = CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        bos_token=START,
        eos_token=END,
        unk_token=END,
        pad_token=END,
        model_max_length=LENGTH,
    )
    tokenizer.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")
    return tokenizer
