//! Accounts: the one admin, and the password.

use super::{Result, Service, ServiceError};
use crate::domain::field;
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{PasswordHash, SaltString, rand_core::OsRng},
};
use tokio::sync::Semaphore;

/// Shorter passwords are refused: NIST SP 800-63B, 5.1.1.1.
pub const PASSWORD_MIN: usize = 8;
/// Characters of an account's name.
pub const USER_NAME_MAX: usize = 64;
/// OWASP's password storage cheat sheet: argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
/// Passwords that are hashed at once: each takes its memory and a processor. A place is held until the work is done, also
/// where whoever asked for it has hung up.
static HASHING: Semaphore = Semaphore::const_new(2);

impl Service {
    /// Makes the first account; false where there is one already.
    ///
    /// # Errors
    /// [`ServiceError::ShortPassword`], [`ServiceError::UserName`], or where the store is at fault.
    pub async fn add_first_user(&self, name: &str, password: &str) -> Result<bool> {
        Ok(self.insert_user(name, password, true).await?.is_some())
    }

    /// Adds an account.
    ///
    /// # Errors
    /// As [`Service::add_first_user`], and [`ServiceError::UserExists`].
    pub async fn add_user(&self, name: &str, password: &str) -> Result<i64> {
        let added = self.insert_user(name, password, false).await?;
        added.ok_or_else(|| ServiceError::UserExists(name.trim().to_owned()))
    }

    async fn insert_user(&self, name: &str, password: &str, only_first: bool) -> Result<Option<i64>> {
        let name = name.trim();
        if name.is_empty() || !field::fits(name, USER_NAME_MAX) {
            return Err(ServiceError::UserName);
        }
        let hash = hash_password(password).await?;
        Ok(self.store().add_user(name, &hash, only_first, self.clock().now()).await?)
    }

    /// Sets a password; every session of the account ends.
    ///
    /// # Errors
    /// [`ServiceError::NoUser`], [`ServiceError::ShortPassword`], or where the store is at fault.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<()> {
        let hash = hash_password(password).await?;
        if self.store().set_password(name.trim(), &hash).await? {
            Ok(())
        } else {
            Err(ServiceError::NoUser(name.trim().to_owned()))
        }
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("fixed parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes off the async threads: it takes tens of milliseconds by design.
async fn hash_password(password: &str) -> Result<String> {
    if password.chars().count() < PASSWORD_MIN {
        return Err(ServiceError::ShortPassword);
    }
    let password = password.to_owned();
    let place = HASHING.acquire().await;
    let hashed = tokio::task::spawn_blocking(move || {
        let _place = place;
        let salt = SaltString::generate(&mut OsRng);
        argon2().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).map_err(|e| e.to_string())
    });
    hashed.await.map_err(|e| ServiceError::Password(e.to_string()))?.map_err(ServiceError::Password)
}

/// Whether a password is the one behind a hash. Without a hash the same work is done for nothing, so that the time
/// it takes does not tell which accounts there are.
///
/// # Errors
/// [`ServiceError::Password`] where the hash cannot be read.
pub async fn check_password(password: String, hash: Option<String>) -> Result<bool> {
    let place = HASHING.acquire().await;
    let checked = tokio::task::spawn_blocking(move || {
        let _place = place;
        let Some(hash) = hash else {
            let salt = SaltString::encode_b64(&[0; SALT_BYTES]).map_err(|e| e.to_string())?;
            let _ = argon2().hash_password(password.as_bytes(), &salt);
            return Ok(false);
        };
        let hash = PasswordHash::new(&hash).map_err(|e| e.to_string())?;
        Ok(argon2().verify_password(password.as_bytes(), &hash).is_ok())
    });
    checked.await.map_err(|e| ServiceError::Password(e.to_string()))?.map_err(ServiceError::Password)
}
