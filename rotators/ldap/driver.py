"""ldap3, imported in silence: it takes names from pyasn1 that this one has renamed, which warns at every import."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import LDAPExceptionError
    from ldap3.strategy.sync import SyncStrategy

__all__ = ["LDAPExceptionError", "SyncStrategy", "ldap3"]
