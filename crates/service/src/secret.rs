//! Secrets: a value, or the file that holds it, as Docker mounts secrets under `/run/secrets`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// Longest secret that is read from a file; Docker's own limit is 500 KiB, passwords are shorter.
pub const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why a secret cannot be had. The message names the setting and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Both the value and the file are given.
    #[error("{name} and {name}_FILE are both set: keep one of them")]
    Both {
        /// The setting's name.
        name: &'static str,
    },
    /// The file exists, but this program's user may not read it.
    #[error(
        "{name}_FILE: {path} belongs to user {owner} with mode {mode:03o}, and this program runs as user {uid}: \
         make it readable (chmod o+r, or `uid` and `mode` of the secret in the stack file)"
    )]
    Forbidden {
        /// The setting's name.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// The file's owner.
        owner: u32,
        /// The file's permission bits.
        mode: u32,
        /// The user that this program runs as.
        uid: u32,
    },
    /// There is no such file.
    #[error(
        "{name}_FILE: there is no file {path}: list the secret under `secrets:`, both of the service and of the whole \
         file (for a Swarm, `docker secret create` makes it), or write it into that file"
    )]
    Missing {
        /// The setting's name.
        name: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file gives no secret for another reason.
    #[error("{name}_FILE: {path} {reason}")]
    Unusable {
        /// The setting's name.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

/// The secret called `name`: its `value`, or the contents of `file` without the final line break.
///
/// # Errors
/// [`SecretError`], when both are given or the file gives no secret.
pub fn read(
    name: &'static str,
    value: Option<&SecretString>,
    file: Option<&Path>,
) -> Result<Option<SecretString>, SecretError> {
    match (value, file) {
        (Some(_), Some(_)) => Err(SecretError::Both { name }),
        (Some(value), None) => Ok(Some(value.clone())),
        (None, Some(path)) => read_file(name, path).map(Some),
        (None, None) => Ok(None),
    }
}

fn read_file(name: &'static str, path: &Path) -> Result<SecretString, SecretError> {
    let (path, mut text) = (path.to_owned(), String::new());
    let read = File::open(&path).and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text));
    let problem = match read {
        Err(error) => return Err(explain(name, path, &error)),
        Ok(bytes) if bytes as u64 > SECRET_BYTES_MAX => format!("has more than {SECRET_BYTES_MAX} bytes"),
        Ok(_) => {
            let text = text.strip_suffix('\n').unwrap_or(&text);
            match text.strip_suffix('\r').unwrap_or(text) {
                "" => "is empty: write the secret into it".to_owned(),
                text => return Ok(SecretString::from(text)),
            }
        }
    };
    Err(SecretError::Unusable { name, path, reason: problem })
}

/// Why the file cannot be read, and what to do.
fn explain(name: &'static str, path: PathBuf, error: &io::Error) -> SecretError {
    let reason = match (error.kind(), fs::metadata(&path)) {
        (ErrorKind::NotFound, _) => return SecretError::Missing { name, path },
        (ErrorKind::PermissionDenied, Ok(metadata)) => {
            let (owner, mode) = (metadata.uid(), metadata.mode() & 0o777);
            let uid = rustix::process::getuid().as_raw();
            return SecretError::Forbidden { name, path, owner, mode, uid };
        }
        (ErrorKind::PermissionDenied, Err(_)) => {
            "is in a folder that this program may not enter: chmod o+x it".to_owned()
        }
        (ErrorKind::IsADirectory, _) => {
            "is a folder, which Docker makes where a file that it is to mount is missing: remove it, and write the file"
                .to_owned()
        }
        (ErrorKind::InvalidData, _) => "is not UTF-8 text".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    SecretError::Unusable { name, path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::io::Write;

    fn file_with(text: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        file
    }

    fn from_file(text: &[u8]) -> Result<String, String> {
        let file = file_with(text);
        let secret = read("PASSWORD", None, Some(file.path())).map_err(|error| error.to_string())?;
        Ok(secret.unwrap().expose_secret().to_owned())
    }

    #[test]
    fn a_file_gives_the_secret_without_its_final_line_break() {
        assert_eq!(from_file(b"hunter2"), Ok("hunter2".to_owned()));
        assert_eq!(from_file(b"hunter2\n"), Ok("hunter2".to_owned()));
        assert_eq!(from_file(b"hunter2\r\n"), Ok("hunter2".to_owned()));
        assert_eq!(from_file(b" two words \n\n"), Ok(" two words \n".to_owned()));
    }

    #[test]
    fn a_value_alone_is_the_secret_and_nothing_is_none() {
        let secret = read("PASSWORD", Some(&"x".into()), None).unwrap();
        assert_eq!(secret.unwrap().expose_secret(), "x");
        assert!(read("PASSWORD", None, None).unwrap().is_none());
    }

    #[test]
    fn value_and_file_together_are_refused() {
        let error = read("PASSWORD", Some(&"x".into()), Some(Path::new("/x"))).unwrap_err().to_string();
        assert_eq!(error, "PASSWORD and PASSWORD_FILE are both set: keep one of them");
    }

    #[test]
    fn a_missing_file_is_named_with_where_secrets_come_from() {
        let error = read("PASSWORD", None, Some(Path::new("/nowhere/password"))).unwrap_err().to_string();
        assert!(error.starts_with("PASSWORD_FILE: there is no file /nowhere/password: list the secret"), "{error}");
        assert!(error.contains("`secrets:`") && error.contains("`docker secret create`"), "{error}");
    }

    #[test]
    fn a_folder_and_an_empty_long_or_binary_file_are_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = read("PASSWORD", None, Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains(" is a folder, which Docker makes where a file "), "{error}");
        assert!(from_file(b"\n").unwrap_err().ends_with(" is empty: write the secret into it"));
        assert!(from_file(&vec![b'x'; 70_000]).unwrap_err().ends_with(" has more than 65536 bytes"));
        assert!(from_file(b"\xff\xfe").unwrap_err().ends_with(" is not UTF-8 text"));
    }

    #[test]
    fn a_file_of_another_user_is_explained() {
        let error =
            SecretError::Forbidden { name: "P", path: "/run/secrets/p".into(), owner: 0, mode: 0o600, uid: 10001 };
        let text = error.to_string();
        assert!(text.starts_with("P_FILE: /run/secrets/p belongs to user 0 with mode 600"), "{text}");
        assert!(text.contains("runs as user 10001"), "{text}");
    }
}
