//! Thousands of rows at a time, as one JSON text each way: sqlx hands every value of every row, and every statement, from
//! one thread to another; a text goes over several times as fast.

use super::{
    fixed,
    rows::{Decoded, parse},
};
use serde::de::DeserializeOwned;
use sqlx::AssertSqlSafe;

/// Rows that the database put into one JSON array each and all into one text.
pub fn many<T: DeserializeOwned>(text: &str) -> Decoded<Vec<T>> {
    parse("rows", text)
}

/// A statement over the rows of the JSON array that is bound first, each an array itself: `n` holds them, and `values`
/// names what is in one, `v`. They come out of jsonb_each ready to be looked into, and `MATERIALIZED`, or each mention
/// of one would copy it anew.
pub fn with_rows(values: &str, statement: &str) -> AssertSqlSafe<String> {
    fixed(format!(
        "WITH r AS MATERIALIZED (SELECT value v FROM jsonb_each(?1)),
              n AS NOT MATERIALIZED (SELECT {values} FROM r)
         {statement}"
    ))
}
