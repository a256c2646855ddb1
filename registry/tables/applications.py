"""What is known of images and of the Docker repositories that they come from (room `applications`)."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Index, Integer, String, Table, Text, func

from registry.tables.base import metadata, number

images = Table(  # what an image's label says, read once per digest
    "images", metadata,
    Column("reference", String, primary_key=True),  # repository/name@sha256:...
    Column("contract", JSON, nullable=False),
    Column("labels", JSON, nullable=False, default=dict),
    Column("size", BigInteger),
    Column("platforms", JSON, nullable=False, default=list),  # os/architecture of each that it runs on
    Column("media_type", String, nullable=False, default=""),  # of its manifest
    Column("created", String, nullable=False, default=""),
    Column("read", String, nullable=False),
)

repositories = Table(  # Docker repositories whose images are looked at again and again
    "repositories", metadata,
    Column("host", String, primary_key=True),  # host:port
    Column("only", JSON, nullable=False, default=list),  # names that are watched; empty for all
    Column("who", String, nullable=False),  # that added it
    Column("added", String, nullable=False),
    Column("due", String, nullable=False),  # when it is looked at next, milliseconds
    Column("read", String, nullable=False, default=""),  # when it was last read to its end
    Column("seconds", Float),  # that took
    Column("fault", Text, nullable=False, default=""),  # why the last look came to nothing; '' when it did not
)
repository_tags = Table(  # what each tag stood for when it was looked at last
    "repository_tags", metadata,
    Column("host", ForeignKey("repositories.host", ondelete="CASCADE"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("tag", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("since", String, nullable=False),
)
repository_images = Table(  # every image of them that was seen, and what was decided; rows stay when the image is gone
    "repository_images", metadata,
    Column("reference", String, primary_key=True),  # host/name@sha256:...
    Column("host", String, nullable=False),
    Column("tag", String, nullable=False, default=""),  # by which it was seen first
    Column("state", String, nullable=False),  # new plain faulty draft approved rejected retracted vulnerable
    Column("reason", Text, nullable=False, default=""),
    Column("ivoid", String, nullable=False, default=""),  # of the application that it is a version of
    Column("version", String, nullable=False, default=""),
    Column("title", Text, nullable=False, default=""),
    Column("created", String, nullable=False, default=""),  # when it was built, by its own word
    Column("seen", String, nullable=False),
    Column("who", String, nullable=False),  # that made it a draft; 'watch' for the worker
    Column("decided", String, nullable=False, default=""),
    Column("decider", String, nullable=False, default=""),
)
Index("repository_images_by_state", repository_images.c.state, repository_images.c.seen)
Index("repository_images_by_host", repository_images.c.host)
Index("repository_images_by_ivoid", func.lower(repository_images.c.ivoid))
draft_news = Table(  # images that began to wait for a person, for hooks
    "draft_news", metadata, number(),
    Column("at", String, nullable=False),
    Column("waiting", Integer, nullable=False),  # how many
    Column("images", JSON, nullable=False),  # the first of them, as people call them
    Column("tries", Integer),  # of telling the hooks; none when there is nothing left to tell
    Column("told", JSON, nullable=False, default=list),  # hooks that know
)
