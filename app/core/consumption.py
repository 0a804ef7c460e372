"""What the relay says to the database: which facts can be consumed now, who holds them, what became of them."""

import sqlalchemy as sa

# New facts are ready whatever their time says: it may come from a clock that runs ahead of ours.
READY = "(pending.attempts = 0 OR pending.due_at <= :now) AND pending.parked_at IS NULL"
# Behind a fact that backs off or is parked nothing is ready. Said of all pairs at once, it is one look at the few that
# failed, hashed, and passing by the queue that piled up behind one of them costs next to nothing.
UNBLOCKED = """(pending.subscriber, pending.aggregate_id) NOT IN (
        SELECT blocked.subscriber, blocked.aggregate_id FROM core_event_consumption AS blocked
        WHERE blocked.attempts > 0 AND (blocked.parked_at IS NOT NULL OR blocked.due_at > :now))"""
# A scalar subquery, not NOT EXISTS: the planner can never turn it into a join that reads the whole table.
_IS_HEAD = """pending.sequence = (
        SELECT earlier.sequence FROM core_event_consumption AS earlier
        WHERE md5(earlier.subscriber) = md5(pending.subscriber) AND earlier.aggregate_id = pending.aggregate_id
        ORDER BY earlier.sequence LIMIT 1)"""
_COLUMNS = "pending.id, pending.sequence, pending.event_id, pending.aggregate_id, pending.attempts"

# ``window`` bounds how far into the lane heads are looked for: a long queue of one aggregate holds a single head.
CLAIM = sa.text(f"""
    SELECT {_COLUMNS} FROM core_event_consumption AS pending
    WHERE pending.subscriber = :subscriber AND pending.critical = :critical
      AND pending.sequence <= (
        SELECT max(near.sequence) FROM (
            SELECT lane.sequence FROM core_event_consumption AS lane
            WHERE lane.subscriber = :subscriber AND lane.critical = :critical AND lane.parked_at IS NULL
            ORDER BY lane.sequence LIMIT CAST(:window AS bigint)) AS near)
      AND {READY} AND {UNBLOCKED} AND {_IS_HEAD}
    ORDER BY pending.sequence LIMIT :batch FOR UPDATE OF pending SKIP LOCKED""")  # noqa: S608 - constants of ours
CLAIM_AGAIN = sa.text(f"""
    SELECT {_COLUMNS} FROM core_event_consumption AS pending
    WHERE pending.id = ANY(CAST(:ids AS bigint[]))
      AND {READY} AND {_IS_HEAD}
    ORDER BY pending.sequence FOR UPDATE OF pending SKIP LOCKED""")  # noqa: S608 - constants of ours
FOLLOWERS = sa.text(f"""
    SELECT {_COLUMNS}
    FROM unnest(CAST(:aggregate_ids AS uuid[]), CAST(:sequences AS bigint[])) AS head (aggregate_id, sequence)
    CROSS JOIN LATERAL (
        SELECT following.* FROM core_event_consumption AS following
        WHERE md5(following.subscriber) = md5(:subscriber) AND following.aggregate_id = head.aggregate_id
          AND following.sequence > head.sequence
        ORDER BY following.sequence LIMIT :each FOR UPDATE SKIP LOCKED
    ) AS pending
    ORDER BY pending.sequence""")  # noqa: S608 - constants of ours
FACTS = sa.text("""
    SELECT id, name, aggregate_id, community_id, payload, occurred_at FROM core_event
    WHERE id = ANY(CAST(:event_ids AS uuid[]))""")
CONSUMED = sa.text("""
    DELETE FROM core_event_consumption WHERE id = ANY(CAST(:ids AS bigint[]))""")
SET_BACK = sa.text(f"""
    UPDATE core_event_consumption AS pending
    SET attempts = :attempts, due_at = :due_at, last_error = :error, parked_at = CAST(:parked_at AS timestamptz)
    WHERE pending.id = :id AND {READY}""")  # noqa: S608 - constants of ours
LANES = sa.text(f"""
    SELECT name.subscriber, lane.critical
    FROM unnest(CAST(:subscribers AS text[])) AS name (subscriber)
    CROSS JOIN unnest(CAST(:lanes AS boolean[])) AS lane (critical)
    WHERE (SELECT true FROM core_event_consumption AS pending
           WHERE pending.subscriber = name.subscriber AND pending.critical = lane.critical
             AND {READY} AND {UNBLOCKED} LIMIT 1)
    ORDER BY lane.critical DESC""")  # noqa: S608 - constants of ours
# The first fact of a lane that is not blocked is ready, be it a head or waiting for one in the other lane.
LAGS = sa.text(f"""
    SELECT lane.critical,
           coalesce(sum((SELECT count(*) FROM (
               SELECT FROM core_event_consumption AS pending
               WHERE pending.subscriber = name.subscriber AND pending.critical = lane.critical
                 AND pending.parked_at IS NULL LIMIT :cap) AS capped)), 0) AS depth,
           min((SELECT pending.due_at FROM core_event_consumption AS pending
                WHERE pending.subscriber = name.subscriber AND pending.critical = lane.critical
                  AND {READY} AND {UNBLOCKED} ORDER BY pending.sequence LIMIT 1)) AS oldest
    FROM unnest(CAST(:subscribers AS text[])) AS name (subscriber)
    CROSS JOIN (VALUES (true), (false)) AS lane (critical)
    GROUP BY lane.critical""")  # noqa: S608 - constants of ours
