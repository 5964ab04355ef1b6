"""The rotator of OpenLDAP passwords."""

from rotators.ldap.rotator import OpenldapPassword

__all__ = ["OpenldapPassword"]
