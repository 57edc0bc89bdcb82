"""Writes text-tokens.json and text-embeddings.json, the references of the text encoder's tests, without any of its code.

    pip install numpy==2.4.6 tokenizers==0.23.3
    python text_reference.py FOLDER_OF_THE_ORIGINAL_MODEL

The ids come from Hugging Face's tokenizers, the embeddings from BERT written out in numpy (float64), once with the original
weights and once with the int8 weights of sdk/network/text/minilm.
"""

import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

HERE = Path(__file__).parent
STORED = HERE / "../../sdk/network/text/minilm/minilm.safetensors"
TYPES = {"F32": np.float32, "F16": np.float16, "I8": np.int8, "I64": np.int64}
HEADS = 12

NAMES = """sky|building|pole|road|sidewalk|tree|traffic sign|fence|car|pedestrian|bicyclist|pavement|lorry|truck|foliage
vegetation|person|drivable area|non-drivable area|living thing|vehicle|roadside object|far object|traffic light|motorcycle
rider|bus|train|wall|terrain|autorickshaw|zebra crossing|lane marking|billboard|guard rail|caravan|trailer|animal|tunnel
bridge|kerb|street lamp|wheelchair user|e-scooter|fire hydrant|traffic cone|construction barrier|pothole
emergency vehicle|fog|headlight glare""".replace("\n", "|").split("|")

SIGNS = ["", "   ", "\t\n", "a", "A", "Traffic SIGN", "  leading and   inner  spaces ", "traffic\tsign\nnew\r\nline",
    "non-drivable", "don't stop", "it's 10:30 p.m.", "50 km/h", "3.14159", "1,000,000", "$5.00", "100%", "#hashtag @mention",
    "user@example.com", "https://example.org/a?b=c&d=1", "C++ and C#", "a_b_c", "(parentheses) [brackets] {braces}",
    "\"quotes\" 'single' `back`", "~!@#$%^&*()-=+[]{};:,.<>/?\\|", "...", "!?!?", "--", "a-b-c-d", "§ ¶ © ® ™",
    "€100 £20 ¥3000", "1½ cups", "x² + y³", "±5°C", "→ ← ↑ ↓", "– — ‘ ’ “ ” …", "«guillemets»", "¿Qué? ¡Hola!"]

SCRIPTS = ["café", "cafe\u0301", "Straße", "STRASSE", "naïve façade", "Ångström", "Łódź", "Đặng", "İstanbul", "ISTANBUL ıI",
    "Ñandú", "œuvre Æsir", "Žižek", "Győr", "smörgåsbord", "résumé", "Zürich Fußgängerüberweg", "piéton", "voiture",
    "feu de signalisation", "señal de tráfico", "пешеход", "дорога Ёлка", "автомобиль", "светофор", "Ελλάδα δρόμος", "ΟΔΟΣ",
    "שלום עולם", "מכונית", "مرحبا بالعالم", "سَيَّارَة", "नमस्ते दुनिया", "सड़क", "বাংলা গাড়ি", "ถนน รถยนต์", "රථය", "தமிழ் சாலை",
    "한국어 자동차", "각", "汽车", "道路标志", "人行道 sidewalk", "自動車", "ひらがな カタカナ", "がぎぐげご", "ﾊﾝｶｸ", "ＦＵＬＬＷＩＤＴＨ",
    "ﬁ ligature", "Ⅳ roman", "㈱", "𝒳 math 𝟙", "𠀀 ext B", "豈", "丽", "〇"]

ODDITIES = ["😀", "🚗 car 🚦", "👨‍👩‍👧‍👦 family", "🇩🇪 flag", "👍🏽", "❤️", "car🚗car", "\u200bzero\u200bwidth", "soft\u00adhyphen", "nb\u00a0space",
    "ideographic\u3000space", "\ufefffeff", "a\u0000b", "bell\u0007char", "\u0085nel", "line\u2028sep", "\u2060wj",
    "rtl\u202emark", "\ufffd replacement", "\ue000 private", "combining a\u0300\u0301\u0302\u0303", "Z̶͗a̶l̶g̶o̷", "\u0130", "ǅ",
    "ẞ", "ﬃ", "\u212a kelvin", "\u212b angstrom", "\u2126 ohm"]

WORDS = ["antidisestablishmentarianism", "pneumonoultramicroscopicsilicovolcanoconiosis", "a" * 99, "a" * 100, "a" * 101,
    "b" * 150, "ab" * 60, "x" * 300, "supercalifragilistic " * 3, "unbelievableness",
    "Donaudampfschifffahrtsgesellschaftskapitän", "é" * 100, "é" * 101, "qwrtpsdfghjkl", "zzzzzzzzzz", "0123456789" * 11,
    "llanfairpwllgwyngyll", "![]", "##ing", "##", "[ CLS ]", "[cls]",
    "hello world this is a somewhat longer sentence about a vehicle that drives through fog at night , with wipers moving."]

EMBEDDED = ["road", "traffic sign", "a photo of a pedestrian", "non-drivable area", "autorickshaw", "Zürich 汽车 😀", WORDS[-1]]


def read(path):
    data = Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    raw = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            raw[name] = np.frombuffer(data[start:end], TYPES[entry["dtype"]]).reshape(entry["shape"]).astype(np.float64)
    scale = lambda name: raw[name + ".scale"][:, None] if name + ".scale" in raw else 1.0
    return {name: value * scale(name) for name, value in raw.items() if not name.endswith(".scale")}


def embed(weights, ids):
    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * weights[name + ".weight"] + weights[name + ".bias"]

    def linear(x, name):
        return x @ weights[name + ".weight"].T + weights[name + ".bias"]

    def heads(x):
        return x.reshape(len(ids), HEADS, -1).transpose(1, 0, 2)

    x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(6):
        at = f"encoder.layer.{layer}."
        q, k, v = (heads(linear(x, f"{at}attention.self.{part}")) for part in ("query", "key", "value"))
        score = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        score = np.exp(score - score.max(-1, keepdims=True))
        mixed = (score / score.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), -1)
        x = norm(x + linear(mixed, at + "attention.output.dense"), at + "attention.output.LayerNorm")
        h = linear(x, at + "intermediate.dense")
        h = h * 0.5 * (1 + np.vectorize(math.erf)(h / math.sqrt(2)))
        x = norm(x + linear(h, at + "output.dense"), at + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main(folder):
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    texts = list(dict.fromkeys(NAMES + [f"a photo of a {name}" for name in NAMES[:25]] + SIGNS + SCRIPTS + ODDITIES + WORDS))
    ids = [json.dumps([text, tokenizer.encode(text, add_special_tokens=False).ids]) for text in texts]
    (HERE / "text-tokens.json").write_text("[\n" + ",\n".join(ids) + "\n]\n")
    original, stored = read(Path(folder) / "model.safetensors"), read(STORED)
    rows, cosines = [], []
    for text in EMBEDDED + NAMES + [f"a photo of a {name}" for name in NAMES]:
        tokens = tokenizer.encode(text).ids
        pair = [embed(weights, tokens) for weights in (original, stored)]
        cosines.append(float(pair[0] @ pair[1]))
        if text in EMBEDDED and len(rows) < len(EMBEDDED):
            rows.append(json.dumps({"text": text, "original": pair[0].round(6).tolist(), "stored": pair[1].round(6).tolist()}))
    (HERE / "text-embeddings.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")
    print(f"{len(texts)} texts tokenized; cosine of stored to original over {len(cosines)} texts:",
        f"min {min(cosines):.5f} mean {sum(cosines) / len(cosines):.5f}")


if __name__ == "__main__":
    main(sys.argv[1])
