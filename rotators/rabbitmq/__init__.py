"""The rotator of RabbitMQ users."""

from rotators.rabbitmq.rotator import RabbitmqUser

__all__ = ["RabbitmqUser"]
