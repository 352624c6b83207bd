//! The Unix socket of a server: its permissions, and what happens with a file that has its name.
//!
//! Not here: its removal at the end ([`running`](super::running)).

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::umask;
use tokio::net::{UnixListener, UnixStream};

/// Binds a socket with these permissions.
pub(super) async fn bound(path: &Path, mode: u32) -> io::Result<UnixListener> {
    remove_stale(path).await?;
    // Nobody else can connect before the mode is set. The umask belongs to all threads, but they need no wider one.
    let before = umask(Mode::RWXG | Mode::RWXO);
    let listener = UnixListener::bind(path);
    umask(before);
    let listener = listener?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Removes a socket that a process left behind. Other files, and sockets in use, stay.
async fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::other(
            "the file exists and is not a socket; remove it, or choose another path",
        ));
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err(io::Error::from(ErrorKind::AddrInUse)),
        // No process has it open. Other errors, as for lack of permission or of room in the queue, do not show that.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!(
                "the socket exists, and may be in use: {error}; remove it, or choose another path"
            ),
        )),
    }
}
