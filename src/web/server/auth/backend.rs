//! Accounts, as axum-login wants them.

use crate::{
    service::{Service, ServiceError, check_password},
    store::User,
};
use axum_login::{AuthUser, AuthnBackend, UserId};
use std::sync::Arc;

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

/// What was typed.
#[derive(Clone)]
pub struct Credentials {
    pub name: String,
    pub password: String,
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
    type Credentials = Credentials;
    type Error = ServiceError;

    async fn authenticate(&self, credentials: Credentials) -> Result<Option<Account>, ServiceError> {
        let users = self.service.store().users().await?;
        let user = users.into_iter().find(|user| user.name.to_lowercase() == credentials.name);
        let hash = user.as_ref().map(|user| user.password.clone());
        let fits = check_password(credentials.password, hash).await?;
        Ok(user.filter(|_| fits).map(Account::from))
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<Account>, ServiceError> {
        Ok(self.service.store().user(*id).await?.map(Account::from))
    }
}
