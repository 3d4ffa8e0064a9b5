"""Whose page an address is: the sources that know it by its domain, and by the path below it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit


class Domains:
    """The domains of some sources, for telling millions of addresses apart quickly."""

    def __init__(self, known: Mapping[str, Iterable[str]]) -> None:
        """Take the domains of each source, by its name: `example.com`, `example.com/arabic`."""
        self._paths: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, domains in sorted(known.items()):
            for domain in domains:
                host, slash, path = domain.lower().partition("/")
                self._paths[host].append((slash + path.rstrip("/"), name))

    def names(self, url: str) -> list[str]:
        """Return the sources whose page a web address is, sorted; its subdomains count.

        An address that cannot be read is nobody's.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            return []
        host = parts.netloc.rpartition("@")[2].lower()
        if host.endswith((":80", ":443")):
            host = host.rpartition(":")[0]
        found: set[str] = set()
        while host:
            for path, name in self._paths.get(host, ()):
                if (
                    not path
                    or parts.path.lower() == path
                    or parts.path.lower().startswith(path + "/")
                ):
                    found.add(name)
            host = host.partition(".")[2]
        return sorted(found)
