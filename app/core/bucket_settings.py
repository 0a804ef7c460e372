"""Where files live if not in a directory: a bucket of whatever speaks S3's API."""

from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator


class BucketSettings(BaseModel):
    """A bucket and its keys: without a bucket there is none."""

    s3_bucket: str | None = Field(default=None, description="where the files live instead of the directory")
    s3_endpoint: str = Field(
        default="https://s3.us-east-1.amazonaws.com", description="the address of the store; the bucket is in its path"
    )
    s3_region: str = "us-east-1"
    s3_access_key: str | None = None
    s3_secret_key: SecretStr | None = None

    @model_validator(mode="after")
    def _has_its_keys(self) -> Self:
        if self.s3_bucket and not (self.s3_access_key and self.s3_secret_key):
            raise ValueError("a bucket needs HEARTHLINE_MEDIA_S3_ACCESS_KEY and HEARTHLINE_MEDIA_S3_SECRET_KEY")
        return self
