"""What servers say of accounts, for comparing them."""

import re

from tests.support.mysql import Account, MysqlDatabase

# MySQL's verifier holds any byte, quotes and spaces too: what follows it tells where it ends.
_VERIFIER = r"IDENTIFIED (BY PASSWORD '[^']*'|WITH '\w+' AS '.*?'(?= (DEFAULT ROLE|REQUIRE) |$))"


def held(server: MysqlDatabase, account: Account) -> set[str]:
    """The lines of SHOW GRANTS with the account's name left out, and what else SHOW CREATE USER says of it."""
    rows = server.execute(f"SHOW GRANTS FOR {account.spec}")
    named = f"`{account.name}`@`{account.host}`"
    lines = {str(row[0]).replace(named, "?") for row in rows}
    lines = {re.sub(r" IDENTIFIED BY PASSWORD '[^']*'", "", line) for line in lines}
    created = str(server.execute(f"SHOW CREATE USER {account.spec}")[0][0])
    created = re.sub(_VERIFIER, "", created, flags=re.DOTALL)
    created = re.sub(r" MAX_\w+ 0(?= |$)", "", created).replace(" WITH PASSWORD", " PASSWORD")
    return lines | {created.replace(named, "?")}
