"""The tables of the store; any change here needs a migration, see bot/store/migrations."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Moment

metadata = sa.MetaData()

# Discord assigns these 64-bit ids: BigInteger without autoincrement.
servers = sa.Table(
    "servers",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("channels", sa.JSON, nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("threads", sa.Boolean, nullable=False),
    sa.Column("language", sa.Text),
    sa.Column("digest_hour", sa.Integer, nullable=False),
    sa.Column("digest_zone", sa.Text, nullable=False),
    sa.Column("exempt", sa.JSON, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("left_at", Moment),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("answer_id", sa.String(64), primary_key=True),
    sa.Column("asker_id", sa.BigInteger, nullable=False),
    sa.Column("channel_id", sa.BigInteger, nullable=False),
    sa.Column("guild_id", sa.BigInteger),
    sa.Column("question_message_id", sa.BigInteger),
    sa.Column("parent_id", sa.String(64), sa.ForeignKey("answers.answer_id", ondelete="SET NULL")),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("asked_at", Moment, nullable=False),
    # The whole answer as JSON, see bot.store.answer_codec.
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("answers_by_asker", "asker_id"),
    sa.Index("answers_by_channel", "channel_id", "asked_at"),
    sa.Index("answers_by_server", "guild_id", "asked_at"),
    sa.Index("answers_by_age", "asked_at"),
    sa.Index("answers_by_question", "question_message_id"),
    sa.Index("answers_by_parent", "parent_id"),
)

# The messages that show an answer, in order.
answer_messages = sa.Table(
    "answer_messages",
    metadata,
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("answer_id", sa.String(64), sa.ForeignKey("answers.answer_id", ondelete="CASCADE"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("answer_messages_by_answer", "answer_id", "position"),
)

# The papers that an answer cites.
answer_papers = sa.Table(
    "answer_papers",
    metadata,
    sa.Column("answer_id", sa.String(64), sa.ForeignKey("answers.answer_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("paper_id", sa.Text, primary_key=True),
)

threads = sa.Table(
    "threads",
    metadata,
    sa.Column("thread_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("guild_id", sa.BigInteger, nullable=False),
    # None once the person is forgotten: the thread is still the bot's, and others talk in it.
    sa.Column("opener_id", sa.BigInteger),
    sa.Index("threads_by_server", "guild_id"),
    sa.Index("threads_by_opener", "opener_id"),
)

ratings = sa.Table(
    "ratings",
    metadata,
    sa.Column("answer_id", sa.String(64), sa.ForeignKey("answers.answer_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("user_id", sa.BigInteger, primary_key=True),
    sa.Column("value", sa.SmallInteger, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("rated_at", Moment, nullable=False),
    sa.Index("ratings_by_person", "user_id"),
)

stars = sa.Table(
    "stars",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("paper_id", sa.Text, primary_key=True),
    # The server it was given in, None in a DM.
    sa.Column("guild_id", sa.BigInteger),
    # Whether it was given on a message that only one person sees; old stars, for which that is unknown, count as such.
    sa.Column("private", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("starred_at", Moment, nullable=False),
    sa.Index("stars_by_server", "guild_id", "starred_at"),
)

# For each paper, 👍 minus 👎 on citing answers that are no longer stored, without the raters.
tastes = sa.Table(
    "tastes",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("paper_id", sa.Text, primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)

# Searches that do not fit into the ids of their page buttons; who searched is not stored.
searches = sa.Table(
    "searches",
    metadata,
    sa.Column("key", sa.String(16), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("used_at", Moment, nullable=False),
    sa.Index("searches_by_age", "used_at"),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("subscription_id", sa.String(16), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("place_id", sa.BigInteger, nullable=False),
    sa.Column("guild_id", sa.BigInteger),
    # None once the person is forgotten: others read the channel.
    sa.Column("owner_id", sa.BigInteger),
    sa.Column("topics", sa.JSON, nullable=False),
    sa.Column("sources", sa.JSON, nullable=False),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("hour", sa.SmallInteger, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("weekdays", sa.JSON, nullable=False),
    sa.Column("most", sa.SmallInteger, nullable=False),
    sa.Column("silent", sa.Boolean, nullable=False),
    sa.Column("roundup", sa.Boolean, nullable=False),
    sa.Column("crosspost", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("language", sa.Text),
    sa.Column("next_due_at", Moment, nullable=False),
    sa.Column("delivered_until", Moment, nullable=False),
    sa.Column("greeted", sa.Boolean, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text),
    # When to check whether it can be posted again; None unless it is paused for a reason.
    sa.Column("look_at", Moment),
    # Whether the owner has yet to be told why it was paused.
    sa.Column("untold", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("subscriptions_by_due", "next_due_at"),
    sa.Index("subscriptions_by_place", "place_id"),
    sa.Index("subscriptions_by_server", "guild_id"),
    sa.Index("subscriptions_by_owner", "owner_id"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column(
        "subscription_id",
        sa.String(16),
        sa.ForeignKey("subscriptions.subscription_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("due_at", Moment, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("worker", sa.Text),
    sa.Column("claimed_until", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    # When posting `body` was first tried: from then on it may have been posted.
    sa.Column("tried_at", Moment),
    sa.Column("until", Moment),
    sa.Column("body", sa.Text),
    # The parts of `body` known to be posted.
    sa.Column("parts", sa.JSON(none_as_null=True)),
    sa.Column("message_ids", sa.JSON),
    sa.Column("posted_at", Moment),
    sa.Index("deliveries_by_state", "state", "claimed_until"),
)

# Ids of the papers that were shown in a destination or are about to be; the key keeps each unique.
shown_papers = sa.Table(
    "shown_papers",
    metadata,
    sa.Column("place_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("paper_id", sa.Text, primary_key=True),
    sa.Column("guild_id", sa.BigInteger),
    # The delivery it belongs to; no foreign key, as papers stay shown when the subscription goes.
    sa.Column("subscription_id", sa.String(16), nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Index("shown_papers_by_server", "guild_id"),
    sa.Index("shown_papers_by_delivery", "subscription_id", "due_at"),
)

# Language model usage per day (UTC). A primary key cannot be NULL: 0 means no server or no person.
usage = sa.Table(
    "usage",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    # Number of calls whose tokens the server did not count itself.
    sa.Column("estimated", sa.BigInteger, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Index("usage_by_server", "guild_id", "day"),
    sa.Index("usage_by_person", "person_id", "day"),
)

# Budgets used up on a day: a server's, or with 0 that of everybody together.
budget_notices = sa.Table(
    "budget_notices",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    # Whether somebody was told, or nobody can be.
    sa.Column("told", sa.Boolean, nullable=False),
)

# Recent drafts of the language model, by a hash of everything that decides them; who asked is not stored.
drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("kept_at", Moment, nullable=False),
    sa.Index("drafts_by_age", "kept_at"),
)

# Which process holds which shard, out of how many, and when the lease expires.
shard_leases = sa.Table(
    "shard_leases",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", Moment, nullable=False),
)

# Events that some process handled lately.
seen_events = sa.Table(
    "seen_events",
    metadata,
    sa.Column("event_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Float(53), nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Index("seen_events_by_age", "seen_at"),
)

# Recent acts of a person or in a server, by kind, as seconds since 1970.
acts = sa.Table(
    "acts",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("snowflake", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("times", sa.JSON, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
)
