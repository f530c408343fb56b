"""What may not be shown."""

from trainer.config.redaction import without_credentials


def test_uris_lose_their_user_and_their_query_and_nothing_else() -> None:
    settings = {
        "storage": "s3://key:secret@bucket/runs",
        "sources": ["https://host/text.txt?X-Signature=abc&Expires=1", "gs://bucket/part-?.txt", "books/*.txt"],
        "text": "ask me@home?really=yes",
        "steps": 500,
    }
    assert without_credentials(settings) == {
        "storage": "s3://***@bucket/runs",
        "sources": ["https://host/text.txt?***", "gs://bucket/part-?.txt", "books/*.txt"],
        "text": "ask me@home?really=yes",
        "steps": 500,
    }
