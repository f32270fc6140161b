//! Accounts, as axum-login wants them.

use crate::{
    service::{Service, ServiceError},
    store::User,
};
use axum_login::{AuthUser, AuthnBackend, UserId};
use std::{convert::Infallible, sync::Arc};

/// The session of a request.
pub type Auth = axum_login::AuthSession<Backend>;

/// Looks accounts up.
#[derive(Clone)]
pub struct Backend {
    service: Arc<Service>,
}

impl Backend {
    pub fn new(service: Arc<Service>) -> Backend {
        Backend { service }
    }
}

/// The account of a name, in lower case.
///
/// # Errors
/// Where the store is at fault.
pub async fn find(service: &Service, name: &str) -> Result<Option<User>, ServiceError> {
    let users = service.store().users().await?;
    Ok(users.into_iter().find(|user| user.name.to_lowercase() == name))
}

/// An account that is signed in.
#[derive(Clone)]
pub struct Account {
    pub id: i64,
    pub name: String,
    pub password: String,
    /// Sessions carry this; another password or epoch ends them.
    seal: Vec<u8>,
}

impl From<User> for Account {
    fn from(user: User) -> Account {
        let seal = format!("{}:{}", user.epoch, user.password).into_bytes();
        Account { id: user.id, name: user.name, password: user.password, seal }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the hash, which has no business in a log.
        f.debug_struct("Account").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl AuthUser for Account {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.seal
    }
}

impl AuthnBackend for Backend {
    type User = Account;
    type Credentials = Infallible;
    type Error = ServiceError;

    /// Passwords are looked at in [`super::sign_in`], behind the throttle, and nowhere else.
    async fn authenticate(&self, never: Infallible) -> Result<Option<Account>, ServiceError> {
        match never {}
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<Account>, ServiceError> {
        Ok(self.service.store().user(*id).await?.map(Account::from))
    }
}
