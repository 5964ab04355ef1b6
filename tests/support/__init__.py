"""What the tests run against: real servers, certificates, a network that fails on demand."""
