"""What the rotators of MySQL and MariaDB share: one protocol, one secret JSON, the same errors."""
