"""What the gateway's figures are called."""

from prometheus_client import Counter, Gauge, Histogram

CONNECTED = Gauge("hearthline_broker_connected", "1 while the gateway is connected to the broker")
CONNECTIONS = Counter("hearthline_broker_connections_total", "Tries to connect to the broker", ["outcome"])
MESSAGES = Counter("hearthline_broker_messages_total", "Messages of homes that were stored")
REPEATED = Counter("hearthline_broker_repeated_total", "Messages that came again though they were stored, left out")
DROPPED = Counter("hearthline_broker_dropped_total", "Messages that were not stored", ["why"])
BATCHES = Counter("hearthline_broker_batches_total", "Batches that were stored")
BATCH_SECONDS = Histogram("hearthline_broker_batch_seconds", "How long storing a batch took")
FAILURES = Counter("hearthline_broker_batch_failures_total", "Tries to store a batch that failed")
LAG = Gauge("hearthline_broker_lag_seconds", "How long the message that has waited longest has been waiting")
WAITING = Gauge("hearthline_broker_waiting", "Messages that wait to be stored")
PUBLISHED = Counter("hearthline_broker_published_total", "Messages sent to homes", ["outcome"])

OVERTAKEN, POISONED, TOO_LARGE = (DROPPED.labels(why) for why in ("overtaken", "poisoned", "too_large"))
