"""What librdkafka says of an error, always with what to do next."""

from confluent_kafka import KafkaError


def words(error: KafkaError) -> str:
    """Return what an error says, and the setting to look at where a broker's certificate is refused.

    librdkafka names it too, but not always: when it has the certificate at once (the machine is busy, the broker near),
    it says the same of another place in its code, and leaves the setting out.
    """
    text: str = error.str()
    if "certificate verify failed" in text and "ssl.ca.location" not in text:
        return f"{text}: broker certificate could not be verified, verify that ssl.ca.location is correctly configured"
    return text
