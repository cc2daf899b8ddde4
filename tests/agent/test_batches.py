from camsortxs.frames import FrameKey, Rejected, Unread
from camsortxs_agent.announced import Fetch, Original
from camsortxs_agent.batches import Collector, Partition


def test_a_batch_ends_where_it_holds_enough_bytes_however_few_its_items_are():
    place = Partition(topic="t", number=0)
    key = FrameKey(run="r", stream="primary", data_key="pil", index=0)
    collector = Collector(frames=100, seconds=60.0, size=1000)
    collector.add(place, Rejected(reason="undecodable", message="", payload=b"x" * 400))
    assert not collector.full
    collector.add(place, Unread(key=key, read=Fetch(None, 1, original=Original(b"x" * 600))))
    assert collector.full
    assert len(collector.take()) == 2
    assert not collector.full
