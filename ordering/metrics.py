"""What an operator's Prometheus reads from /metrics."""

from prometheus_client import Counter, Gauge, Histogram

commands = Counter(
    "ordering_commands", "Commands by door and by outcome: ok, or the word of the refusal", ["door", "outcome"]
)


class Often:
    """Counts what happens so often that a counter, with its lock, would be felt: a number, until somebody reads it."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.number = 0

    def settle(self) -> None:
        """Brings the counter up to date."""
        self._counter.inc(self.number)
        self.number = 0


by_socket = Often(commands.labels(door="socket", outcome="ok"))
phones = Gauge("ordering_phones", "Connected pages")
sequence = Gauge("ordering_sequence", "The shop's sequence number as this process knows it")
live = Gauge("ordering_live", "1 while the subscriber is connected and everything watched has been read")
repairs = Gauge("ordering_repairs", "Documents that a look found behind the store without having missed a message")
reconnects = Gauge("ordering_reconnects", "Times the subscriber's connection was made anew")
dropped = Gauge("ordering_phones_dropped", "Phones cut because they stopped reading")
lag = Gauge("ordering_lag_seconds", "How late the loop is: what is asked for waits at least so long")
shed = Counter("ordering_shed", "Commands and pages that were turned away because there was too much to do", ["what"])
page_seconds = Histogram(
    "ordering_page_seconds",
    "Time to answer a page",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2),
)
