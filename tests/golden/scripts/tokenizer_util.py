"""CLIP's byte-pair encoding -> tokenizer files in the layout of Hugging Face.

The merges are OpenAI's (`bpe_simple_vocab_16e6.txt.gz`, MIT); here they are read from the `merges.txt` of the committed
full tokenizer, which lists the same 48,894 pairs in the same order. The `open_clip_torch` wheel has the original.
"""

import json
from pathlib import Path

MERGES = Path(__file__).resolve().parent.parent / "A" / "models" / "tokenizer_full" / "merges.txt"
N_MERGES = 49152 - 256 - 2
BOS, EOS = "<|startoftext|>", "<|endoftext|>"


def bytes_to_unicode():
    """Byte -> printable character, as in OpenAI's simple_tokenizer.py."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    codes = printable[:]
    extra = 0
    for byte in range(256):
        if byte not in printable:
            printable.append(byte)
            codes.append(256 + extra)
            extra += 1
    return dict(zip(printable, [chr(code) for code in codes]))


def read_merges(path=MERGES):
    """Every merge as a pair of tokens, most frequent first."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    pairs = [tuple(line.split()) for line in lines[1:] if line]
    assert len(pairs) == N_MERGES, f"{path} has {len(pairs)} merges, CLIP has {N_MERGES}"
    return pairs


def clip_vocab(pairs):
    """Token -> id: bytes, bytes that end a word, merges, start, end."""
    tokens = list(bytes_to_unicode().values())
    tokens += [token + "</w>" for token in tokens]
    tokens += ["".join(pair) for pair in pairs]
    tokens += [BOS, EOS]
    return {token: index for index, token in enumerate(tokens)}


def write_json(path, value, **options):
    Path(path).write_text(json.dumps(value, **options), encoding="utf-8")


def write(folder, pairs, pad_token=EOS, max_length=77):
    """Writes vocab.json, merges.txt, tokenizer.json, tokenizer_config.json and special_tokens_map.json."""
    from transformers import CLIPTokenizer

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    vocab = clip_vocab(pairs)
    tokenizer = CLIPTokenizer(vocab=vocab, merges=pairs, pad_token=pad_token, model_max_length=max_length)
    tokenizer.save_pretrained(str(folder))  # tokenizer.json, tokenizer_config.json
    write_json(folder / "vocab.json", vocab, ensure_ascii=False)
    merges = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in pairs)
    (folder / "merges.txt").write_text(merges, encoding="utf-8")
    # The library pretty-prints tokenizer.json: the same content, compact.
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    write_json(folder / "tokenizer.json", content, ensure_ascii=False, separators=(",", ":"))
    config = {
        "add_prefix_space": False,
        "bos_token": BOS,
        "do_lower_case": True,
        "eos_token": EOS,
        "errors": "replace",
        "model_max_length": max_length,
        "pad_token": pad_token,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": EOS,
    }
    write_json(folder / "tokenizer_config.json", config, indent=2)
    special = {key: config[key] for key in ("bos_token", "eos_token", "pad_token", "unk_token")}
    write_json(folder / "special_tokens_map.json", special, indent=2)
    return CLIPTokenizer.from_pretrained(str(folder))
