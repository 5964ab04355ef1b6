"""How fast rotations are: ratios against bare psycopg, measured in the same run. `make bench` prints them."""
