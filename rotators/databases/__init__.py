"""What the rotators of databases share: AWS's secret JSON, proof by login, the words of preflight."""
