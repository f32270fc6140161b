-- Sessions are kept under the digest of their id from now on: who reads the database can sign in with none of them. Those
-- of before are over.
DELETE FROM sessions;

-- Devices and addresses that an account has signed in with: digests, since nothing needs to be read back.
CREATE TABLE sign_ins (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mark    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (user_id, mark)
) STRICT, WITHOUT ROWID;
