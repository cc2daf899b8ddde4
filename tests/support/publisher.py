"""A publisher that is a list."""

from dataclasses import dataclass, field

from camsortxs.errors import SinkUnavailable
from camsortxs_agent.wire import decode


@dataclass
class Published:
    """It fails `failures` times first."""

    failures: int = 0
    messages: list[tuple[str, str, bytes]] = field(default_factory=list)

    def publish(self, topic, messages):
        if self.failures:
            self.failures -= 1
            raise SinkUnavailable("not now")
        self.messages += [(topic, key, value) for key, value in messages]

    @property
    def documents(self):
        return [decode(value) for _, _, value in self.messages]
