"""Writes the references of the CLIP text tower's tests, in clip/: ids of texts with the part of CLIP's vocabulary that they need, and a small tower with its embeddings.

    pip install torch==2.8.0 transformers==5.24.0 onnx==1.23.2
    python clip_reference.py bpe_simple_vocab_16e6.txt.gz
    python clip_reference.py bpe_simple_vocab_16e6.txt.gz FOLDER    a tower of ViT-B/32's shapes there, random weights and its embeddings

The vocabulary is OpenAI's (MIT), as the PyPI package open-clip-torch carries it. A pair can only be joined where both pieces together stand in a word, so the
pairs that stand in the texts' words give those texts the same ids as all pairs do; this is checked here.
"""

import gzip
import json
import sys
from pathlib import Path

import torch
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizerFast

from text_reference import NAMES, ODDITIES, SCRIPTS, SIGNS

HERE = Path(__file__).parent / "clip"
START, END = "<|startoftext|>", "<|endoftext|>"
TEXTS = NAMES + [f"a photo of a {name}" for name in ["cat", "dog", *NAMES[:20]]] + SIGNS + SCRIPTS + ODDITIES + ["a diagram", "hello world!", "A\n  cat's\tday, 2024", "they'll've", "aaaaaaaa", "'s't"]
EMBEDDED = ["car", "a photo of a traffic sign", "it's 10:30 p.m.", "Zürich 汽车 😀"]
VECTORS = 3


def letters():
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in seen]
    return [chr(byte) for byte in seen] + [chr(0x100 + at) for at in range(len(rest))]


def vocabulary(merges):
    pieces = letters() + [letter + "</w>" for letter in letters()] + [merge.replace(" ", "") for merge in merges] + [START, END]
    return {piece: at for at, piece in enumerate(pieces)}


def tokenizer(ids, merges):
    return CLIPTokenizerFast(vocab=ids, merges=[tuple(merge.split()) for merge in merges])


def encode(tokens, text):
    # Its own tokens in a text are special to it, and text to us.
    return tokens(text)["input_ids"][1:-1]


def write(folder, ids, merges):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False, separators=(",", ":")) + "\n")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")


def small_vocabulary(ids, merges, texts):
    whole = tokenizer(ids, merges)
    byte = {b: letter for b, letter in zip([*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)] + [b for b in range(256) if b not in [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]], letters())}
    clean = [whole.backend_tokenizer.normalizer.normalize_str(text) for text in texts]
    words = {"".join(byte[b] for b in piece.encode()) + "</w>" for text in clean for piece in text.split()} | {
        "".join(byte[b] for b in text.encode()) for text in clean
    }
    joined = "\n".join(words)
    kept = [merge for merge in merges if merge.replace(" ", "").removesuffix("</w>") in joined]
    small = {piece: at for piece, at in ids.items() if len(piece.removesuffix("</w>")) == 1} | {merge.replace(" ", ""): ids[merge.replace(" ", "")] for merge in kept}
    small |= {START: ids[START], END: ids[END]}
    part = tokenizer(small, kept)
    for text in texts:
        assert encode(part, text) == encode(whole, text), text
    return small, kept, [{"text": text, "ids": encode(whole, text)} for text in texts]


def tower(config, seed):
    torch.manual_seed(seed)
    model = CLIPTextModelWithProjection(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            around = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            deviation = 0.1 if parameter.ndim < 2 or "embedding" in name else parameter.shape[1] ** -0.5
            parameter.copy_((around + deviation * torch.randn(parameter.shape)).half().float())
    return model


def embed(model, rows, prompts=None):
    """Embeddings of rows of ids, each by itself; `prompts` stand after the first token of each."""
    table = model.get_input_embeddings()
    out = []
    for row in rows:
        hook = None
        if prompts is not None:
            row = [row[0], *[0] * len(prompts), *row[1:]]
            hook = table.register_forward_hook(lambda _, __, found: torch.cat([found[:, :1], prompts[None], found[:, 1 + len(prompts) :]], 1))
        answer = model(input_ids=torch.tensor([row])).text_embeds[0]
        if hook:
            hook.remove()
        out.append(answer / answer.norm())
    return torch.stack(out)


def references(model, tokens, width, projection):
    rows = [tokens(text)["input_ids"] for text in EMBEDDED]
    generator = torch.Generator().manual_seed(5)
    prompts = (0.1 * torch.randn(VECTORS, width, generator=generator)).requires_grad_()
    wanted = torch.randn(len(rows), projection, generator=generator)
    prompted = embed(model, rows, prompts)
    (prompted * wanted).sum().backward()
    plain = embed(model, rows)
    listed = lambda tensor: [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]
    return {
        "texts": [{"text": text, "ids": row} for text, row in zip(EMBEDDED, rows)],
        "width": projection,
        "plain": listed(plain),
        "prompts": listed(prompts),
        "prompted": listed(prompted),
        "wanted": listed(wanted),
        "gradient": listed(prompts.grad),
    }


def main(packed, folder=None):
    merges = gzip.open(packed).read().decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    ids = vocabulary(merges)
    if folder:
        config = CLIPTextConfig(projection_dim=512, eos_token_id=ids[END], bos_token_id=ids[START])
        model = tower(config, 2)
        write(Path(folder), ids, merges)
        model.save_pretrained(folder)
        (Path(folder) / "reference.json").write_text(json.dumps(references(model, tokenizer(ids, merges), 512, 512)))
        return
    small, kept, texts = small_vocabulary(ids, merges, list(dict.fromkeys(TEXTS)))
    write(HERE / "vocabulary", small, kept)
    (HERE / "tokens.json").write_text("[\n" + ",\n".join(json.dumps(text, ensure_ascii=False) for text in texts) + "\n]\n")

    few = merges[:60]
    own = vocabulary(few)
    config = CLIPTextConfig(vocab_size=len(own), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=40, projection_dim=12, eos_token_id=own[END], bos_token_id=own[START], pad_token_id=own[END])
    model = tower(config, 1)
    tokens = tokenizer(own, few)
    write(HERE / "tower", own, few)
    (HERE / "tower.json").write_text(json.dumps(references(model, tokens, 16, 12)) + "\n")
    model.half().save_pretrained(HERE / "tower")
    model.float()
    rows = torch.tensor([tokens("car")["input_ids"]])
    torch.onnx.export(model, (rows, torch.ones_like(rows)), HERE / "model.onnx", input_names=["input_ids", "attention_mask"], output_names=["text_embeds", "last_hidden_state"], dynamic_axes={name: {0: "batch", 1: "length"} for name in ["input_ids", "attention_mask"]}, opset_version=17, dynamo=False)


main(*sys.argv[1:])
