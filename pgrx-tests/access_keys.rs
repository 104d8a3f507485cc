//! Secrets of access keys: how they are sealed, and the file with the key. (Functions and rights: pg_regress access_keys.)

#[pgrx::pg_schema]
mod tests {
    use crate::storage::access_key::key_file::{self, Fault};
    use crate::storage::access_key::seal::{self, Owner};
    use pgrx::prelude::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    const KEY: [u8; 32] = [7; 32];
    const OWNER: Owner<'static> = Owner {
        access_key_id: "PGDKAAAAAAAAAAAAAAAA",
        role: 16_384,
    };
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn sealed() -> Vec<u8> {
        seal::seal(&KEY, [1; 24], OWNER, SECRET).expect("a short secret")
    }

    #[pg_test]
    fn access_key_secret_opens_for_its_owner_under_its_key() {
        let stored = sealed();
        assert_eq!(stored.len(), 1 + 24 + 40 + 16);
        assert!(!stored.windows(8).any(|w| w == &SECRET.as_bytes()[..8]));
        assert_eq!(seal::open(&KEY, OWNER, &stored).as_deref(), Some(SECRET));
    }

    /// What release 0.3.0 stored must open for ever. (The same bytes by another implementation: libsodium's
    /// crypto_aead_xchacha20poly1305_ietf.)
    #[pg_test]
    fn access_key_secret_of_the_first_release_opens() {
        let stored = hex(STORED_BY_0_3_0);
        assert_eq!(stored, sealed());
    }
    const STORED_BY_0_3_0: &str = "01010101010101010101010101010101010101010101010101c63e6221bbb4b8eb53add2ce6e241cbafa03d76be35b69ffc94dd95c23b03c173ea31f38c9c60818c6f8570cba5e690d58a93cba8f5aaacb";

    #[pg_test]
    fn access_key_secret_with_any_bit_changed_does_not_open() {
        let stored = sealed();
        for bit in 0..stored.len() * 8 {
            let mut changed = stored.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal::open(&KEY, OWNER, &changed), None, "bit {bit}");
        }
        for length in 0..stored.len() {
            assert_eq!(seal::open(&KEY, OWNER, &stored[..length]), None);
        }
    }

    #[pg_test]
    fn access_key_secret_of_another_row_or_key_does_not_open() {
        let stored = sealed();
        let another_role = Owner {
            role: 16_385,
            ..OWNER
        };
        let another_id = Owner {
            access_key_id: "PGDKAAAAAAAAAAAAAAAB",
            ..OWNER
        };
        assert_eq!(seal::open(&KEY, another_role, &stored), None);
        assert_eq!(seal::open(&KEY, another_id, &stored), None);
        assert_eq!(seal::open(&[8; 32], OWNER, &stored), None);
    }

    fn hex(digits: &str) -> Vec<u8> {
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    /// What reading a file of these contents and this mode gives.
    fn read_file(name: &str, contents: &[u8], mode: u32) -> Result<[u8; 32], Fault> {
        let path = std::env::temp_dir().join(format!("{name}.{}", std::process::id()));
        fs::write(&path, contents).expect("a file in the temporary directory");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod of our own file");
        let result = key_file::read(path.to_str().expect("an ASCII path"));
        fs::remove_file(&path).expect("our own file");
        result
    }

    #[pg_test]
    fn access_key_file_holds_hex_or_base64() {
        let forms: [&[u8]; 6] = [
            b"0707070707070707070707070707070707070707070707070707070707070707",
            b"  0707070707070707070707070707070707070707070707070707070707070707\r\n",
            b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
            b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
            b"\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\n",
        ];
        for form in forms {
            assert_eq!(read_file("dynamo_key_form", form, 0o600), Ok(KEY));
        }
        assert_eq!(read_file("dynamo_key_form", forms[0], 0o400), Ok(KEY));
    }

    #[pg_test]
    fn access_key_file_with_anything_else_is_malformed() {
        let forms: [&[u8]; 8] = [
            b"",
            b"\n",
            &[7; 32],
            b"07070707",
            b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==",
            b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH",
            b"xx07070707070707070707070707070707070707070707070707070707070707",
            &[b'0'; 100_000],
        ];
        for form in forms {
            let result = read_file("dynamo_key_malformed", form, 0o600);
            assert_eq!(result, Err(Fault::Malformed), "{}", form.len());
        }
    }

    #[pg_test]
    fn access_key_file_open_to_group_or_others_is_refused() {
        let form = b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777] {
            let result = read_file("dynamo_key_mode", form, mode);
            assert_eq!(result, Err(Fault::Exposed(mode)));
        }
    }

    #[pg_test]
    fn access_key_file_that_is_no_file_is_refused() {
        assert_eq!(key_file::read(""), Err(Fault::NotSet));
        assert_eq!(key_file::read("dynamo.key"), Err(Fault::NotAbsolute));
        assert_eq!(key_file::read("/dev/zero"), Err(Fault::NotAFile));
        assert_eq!(key_file::read("/"), Err(Fault::NotAFile));
        let missing = key_file::read("/nowhere/at/all");
        assert_eq!(missing, Err(Fault::Unreadable("no such file".to_owned())));
    }
}
