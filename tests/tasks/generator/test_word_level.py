"""The tokenizer of the generated languages."""

from __future__ import annotations

from xstilts.tasks import generator


def test_tokenizer_knows_every_word_and_frames_as_xlm_r_does() -> None:
    tokenizer = generator.tokenizer()
    text = generator.text("xd", 50)
    assert tokenizer.unk_token_id not in {i for line in tokenizer(text)["input_ids"] for i in line}
    assert tokenizer.decode(tokenizer(text[0], add_special_tokens=False)["input_ids"]) == text[0]
    one, two = tokenizer("magi", add_special_tokens=False)["input_ids"] * 2
    assert tokenizer("magi", "magi")["input_ids"] == [0, one, 2, 2, two, 2]
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (1, 4)
