"""PuTTY's sessions as ssh reads them: what the registry says can never become another line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libneuron.migration.transforms import putty

WORD = st.text(max_size=20)
NAMES = ["HostName", "UserName", "Protocol", "PortNumber", "PublicKeyFile", "PortForwardings", "PingInterval"]


def test_a_session_becomes_a_host() -> None:
    values = {
        "Protocol": "ssh", "HostName": "anna@work.example.org", "PortNumber": "2222", "AgentFwd": "1",
        "PingIntervalSecs": "30", "PortForwardings": "L8080=localhost:80,4R9000=db:5432,D1080=,D1081",
        "X11Forward": "0", "Compression": "1",
    }  # fmt: skip
    assert putty.block("My work (new)", values, "~/.ssh/my key") == (
        "Host My-work-new\n  HostName work.example.org\n  User anna\n  Port 2222\n"
        '  IdentityFile "~/.ssh/my key"\n  ForwardAgent yes\n  Compression yes\n  ServerAliveInterval 30\n'
        "  LocalForward 8080 localhost:80\n  RemoteForward 9000 db:5432\n  DynamicForward 1081\n"
    )


def test_the_names_of_sessions_are_decoded() -> None:
    assert putty.session_name("My%20work%20%C3%BC") == "My work ü"


def test_other_protocols_and_hosts_that_are_none_are_left_out() -> None:
    made = putty.hosts(
        {
            "serial": {"Protocol": "serial", "HostName": "COM3"},
            "empty": {"HostName": ""},
            "option": {"HostName": "-oProxyCommand=reboot"},
            "good": {"HostName": "h"},
        },
        lambda _windows: None,
    )
    assert made == ("Host good\n  HostName h\n", ["serial", "empty", "option"])


@given(
    name=WORD,
    values=st.dictionaries(st.sampled_from(NAMES), WORD),
    key=st.none() | WORD.map(lambda text: "~/.ssh/" + text),
)
def test_no_value_becomes_a_line_of_its_own(name: str, values: dict[str, str], key: str | None) -> None:
    made = putty.block(name, {**values, "Protocol": "ssh", "HostName": values.get("HostName", "h")}, key)
    words = {"Host", "HostName", "User", "Port", "IdentityFile", "ServerAliveInterval", "LocalForward",
             "RemoteForward", "DynamicForward"}  # fmt: skip
    if made is not None:
        assert {line.split()[0] for line in made.splitlines()} <= words
        assert made.replace("\n", "").isprintable()
