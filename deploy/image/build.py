"""Builds the container image of `tollgate authz`, without Docker and without privileges.

    python3 deploy/image/build.py PROGRAM --version 0.1.0 -o tollgate-authz.oci.tar

PROGRAM is the `tollgate` executable, built with glibc on a Debian machine. The image contains nothing but that file,
the shared libraries that it names, certificate authorities, and a user without privileges: no shell, no package
manager. The same program on the same machine gives the same digest, which is printed.

It needs `umoci` of Debian, which writes the image, and reads the libraries and their versions from this machine.
"""

import argparse
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

USER = 65532
PORTS = ["8080/tcp", "9090/tcp"]
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# ELF machine: the name of the architecture in an image, and the dynamic loader of its glibc.
MACHINES = {62: ("amd64", "/lib64/ld-linux-x86-64.so.2"), 183: ("arm64", "/lib/ld-linux-aarch64.so.1")}


class Unusable(Exception):
    """What is wrong, where, and what to do instead."""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def elf(program):
    """The architecture of an executable, its dynamic loader, and whether it names one."""
    with open(program, "rb") as file:
        data = file.read(64)
        if data[:4] != b"\x7fELF" or data[4:6] != b"\x02\x01":
            raise Unusable(f"{program}: not a 64-bit ELF executable; build `tollgate` for Linux")
        machine, = struct.unpack_from("<H", data, 18)
        if machine not in MACHINES:
            raise Unusable(f"{program}: ELF machine {machine}; known are amd64 and arm64")
        offset, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        file.seek(offset)
        headers = file.read(size * count)
        interpreter = None
        for number in range(count):
            kind, = struct.unpack_from("<I", headers, number * size)
            if kind == 3:  # PT_INTERP
                start, = struct.unpack_from("<Q", headers, number * size + 8)
                length, = struct.unpack_from("<Q", headers, number * size + 32)
                file.seek(start)
                interpreter = file.read(length).rstrip(b"\0").decode()
    architecture, loader = MACHINES[machine]
    if interpreter not in (None, loader):
        raise Unusable(f"{program}: its dynamic loader is `{interpreter}`; build it with glibc, or statically")
    return architecture, interpreter


def libraries(program, loader):
    """The shared libraries, as the dynamic loader itself finds them; the program does not run."""
    found = {loader}
    # Without LD_LIBRARY_PATH and the like: what it finds here must be what it finds in the image.
    listing = subprocess.run([loader, "--list", program], capture_output=True, text=True, check=False, env={})
    if listing.returncode:
        raise Unusable(f"{program}: {listing.stderr.strip()}; install its libraries on this machine")
    for line in listing.stdout.splitlines():
        missing = re.match(r"\s*(\S+) => not found", line)
        if missing:
            raise Unusable(f"{program}: library `{missing[1]}` not found; install it on this machine")
        path = re.search(r"=> (/\S+) \(", line)
        if path:
            found.add(path[1])
    for path in found:
        if not path.startswith(("/lib/", "/lib64/", "/usr/lib/")):
            raise Unusable(f"{program}: library `{path}` is outside the system's directories; link it statically")
    return sorted(found)


def packages(files):
    """The Debian packages of these files: name, and control data for scanners of vulnerabilities."""
    names = set()
    for file in files:
        # dpkg knows a file by the path in its package, with or without /usr.
        for candidate in (file, os.path.realpath(file), os.path.realpath(file).removeprefix("/usr")):
            owner = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True, check=False)
            if owner.returncode == 0:
                names.add(owner.stdout.split(": ", 1)[0].split(",")[0].split(":")[0])
                break
        else:
            raise Unusable(f"`{file}` belongs to no Debian package, so its licence and version are unknown")
    return sorted(names)


class Layer:
    """A tar archive with nothing in it that depends on when or by whom it was made."""

    def __init__(self, epoch):
        self.epoch = epoch
        self.entries = {}

    def add(self, path, data, mode=0o644):
        path = path.strip("/")
        for end, letter in enumerate(path):
            if letter == "/":
                self.entries.setdefault(path[:end], (None, 0o755))
        self.entries[path] = (data, mode)

    def copy(self, source, path=None, mode=None):
        with open(source, "rb") as file:
            data = file.read()
        self.add(path or source, data, mode or (0o755 if os.access(source, os.X_OK) else 0o644))

    def write(self, target):
        with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
            for path, (data, mode) in sorted(self.entries.items()):
                entry = tarfile.TarInfo(path)
                entry.mode, entry.mtime = mode, self.epoch
                if data is None:
                    entry.type = tarfile.DIRTYPE
                    archive.addfile(entry)
                else:
                    entry.size = len(data)
                    archive.addfile(entry, io.BytesIO(data))


def contents(program, epoch):
    """The only layer, and the architecture."""
    architecture, loader = elf(program)
    layer = Layer(epoch)
    layer.copy(program, "usr/bin/tollgate", 0o755)
    layer.copy(AUTHORITIES)
    # Mount points: a runtime cannot create them in a file system that is already read-only.
    for name in ("dev", "proc", "sys", "run", "tmp"):
        layer.entries[name] = (None, 0o755)
    layer.add("etc/passwd", f"tollgate:x:{USER}:{USER}:tollgate:/:/sbin/nologin\n".encode())
    layer.add("etc/group", f"tollgate:x:{USER}:\n".encode())
    # Without it, some versions of glibc look names up in DNS before /etc/hosts.
    layer.add("etc/nsswitch.conf", b"hosts: files dns\n")
    with open("/etc/os-release", "rb") as release:
        layer.add("etc/os-release", release.read())
    shared = libraries(program, loader) if loader else []
    for library in shared:
        layer.copy(library, mode=0o755)
    # As in other images without a package manager, so that scanners know the versions; and the licences.
    for name in sorted({*packages(shared), "ca-certificates"}):
        layer.add(f"var/lib/dpkg/status.d/{name}", run("dpkg-query", "-s", name).encode())
        layer.copy(f"/usr/share/doc/{name}/copyright", mode=0o644)
    return layer, architecture


def image(layer, architecture, version, epoch, layout):
    """Writes the image into a layout directory with umoci; returns its digest."""
    created = run("date", "--utc", "--date", f"@{epoch}", "+%Y-%m-%dT%H:%M:%SZ").strip()
    labels = {
        "title": "tollgate-authz",
        "description": "Access policy server for reverse proxies",
        "licenses": "MIT OR Apache-2.0",
        "version": version,
    }
    options = [f"--config.label=org.opencontainers.image.{name}={value}" for name, value in labels.items()]
    options += [f"--config.exposedports={port}" for port in PORTS]
    options += ["--config.entrypoint=/usr/bin/tollgate", "--config.entrypoint=authz", "--config.cmd=--help"]
    options += [f"--config.user={USER}:{USER}", "--config.workingdir=/", "--config.stopsignal=SIGTERM"]
    options += [f"--config.env=SSL_CERT_FILE={AUTHORITIES}"]
    options += [f"--created={created}", f"--architecture={architecture}", "--os=linux"]
    target = f"--image={layout}:{version}"
    run("umoci", "init", "--layout", layout)
    run("umoci", "new", target)
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        layer.write(archive.name)
        run("umoci", "raw", "add-layer", target, "--history.created", created, "--history.created_by", "deploy/image/build.py", archive.name)
    run("umoci", "config", target, "--no-history", *options)
    run("umoci", "gc", "--layout", layout)
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as index:
        manifest, = json.load(index)["manifests"]
    return manifest["digest"]


def pack(layout, epoch, target):
    """The layout directory as one file: an OCI archive."""
    whole = Layer(epoch)
    for folder, _, files in os.walk(layout):
        for name in files:
            path = os.path.join(folder, name)
            whole.copy(path, os.path.relpath(path, layout), 0o644)
    whole.write(target)


def build(program, version, epoch, output):
    if not shutil.which("umoci"):
        raise Unusable("`umoci` is missing; install it with `apt-get install umoci`")
    layer, architecture = contents(program, epoch)
    with tempfile.TemporaryDirectory() as folder:
        layout = os.path.join(folder, "layout")
        digest = image(layer, architecture, version, epoch, layout)
        pack(layout, epoch, output)
    return digest


def main():
    parser = argparse.ArgumentParser(description="Build the container image of `tollgate authz` as an OCI archive")
    parser.add_argument("program", help="the `tollgate` executable")
    parser.add_argument("--version", required=True, help="the tag and label of the image")
    parser.add_argument("-o", "--output", required=True, help="the archive to write")
    arguments = parser.parse_args()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    try:
        digest = build(os.path.abspath(arguments.program), arguments.version, epoch, arguments.output)
    except (Unusable, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(2)
    print(f"{digest}  {arguments.output}")


if __name__ == "__main__":
    main()
