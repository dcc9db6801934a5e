"""The Hardware Advisor's library. Machines are recordings (tests/fixtures) or built here."""
