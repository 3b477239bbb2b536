"""A small byte-pair encoding in the layout of CLIP's tokenizer."""

import json
import re
from pathlib import Path

VOCABULARY = 2048
FIXED_TOKENS = 514  # 256 bytes, 256 bytes that end a word, start, end
CONTEXT_LENGTH = 24  # tokens
BOS, EOS = "<|startoftext|>", "<|endoftext|>"
WORD = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")


def bytes_to_unicode():
    """Byte -> printable character, as in CLIP's tokenizer."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    codes, extra = printable[:], 0
    for byte in range(256):
        if byte not in printable:
            printable.append(byte)
            codes.append(256 + extra)
            extra += 1
    return dict(zip(printable, map(chr, codes)))


def train_bpe(counts, n_merges):
    """Word counts -> (token -> id, merges). The most frequent pair is merged first; ties go to the greater pair."""
    to_character = bytes_to_unicode()
    words = []
    for word, count in sorted(counts.items()):
        tokens = [to_character[byte] for byte in word.encode()]
        tokens[-1] += "</w>"
        words.append((tokens, count))
    merges = []
    while len(merges) < n_merges:
        pairs = {}
        for tokens, count in words:
            for pair in zip(tokens, tokens[1:]):
                pairs[pair] = pairs.get(pair, 0) + count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            break
        merges.append(best)
        for tokens, _ in words:
            merge_in_place(tokens, best)
    vocabulary = list(to_character.values())
    vocabulary += [token + "</w>" for token in vocabulary]
    vocabulary += [a + b for a, b in merges]
    vocabulary += [BOS, EOS]
    return {token: index for index, token in enumerate(vocabulary)}, merges


def merge_in_place(tokens, pair):
    i = 0
    while i < len(tokens) - 1:
        if (tokens[i], tokens[i + 1]) == pair:
            tokens[i : i + 2] = [tokens[i] + tokens[i + 1]]
        i += 1


def read_tokenizer(folder):
    """What write_tokenizer wrote: (token -> id, merges)."""
    folder = Path(folder)
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
    return vocabulary, [tuple(line.split()) for line in lines if line]


def write_tokenizer(folder, vocabulary, merges):
    """Writes vocab.json, merges.txt, tokenizer.json, tokenizer_config.json and special_tokens_map.json."""
    from transformers import CLIPTokenizer

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token=EOS, model_max_length=CONTEXT_LENGTH)
    tokenizer.save_pretrained(str(folder))
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)
    (folder / "merges.txt").write_text(lines, encoding="utf-8")
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))  # pretty-printed: make it compact
    compact = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(compact, encoding="utf-8")
    config = {
        "add_prefix_space": False,
        "bos_token": BOS,
        "do_lower_case": True,
        "eos_token": EOS,
        "errors": "replace",
        "model_max_length": CONTEXT_LENGTH,
        "pad_token": EOS,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": EOS,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    special = {key: config[key] for key in ("bos_token", "eos_token", "pad_token", "unk_token")}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
