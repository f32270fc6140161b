//! No such page, and the way home.

use crate::web::{
    api::fault::Fault,
    components::{frame::Frame, load::failed},
    words::use_words,
};
use leptos::prelude::*;

#[component]
pub fn NotFound() -> impl IntoView {
    let words = use_words();
    view! { <Frame at="" title=words.not_found>{failed(Fault::NotFound(String::new()))}</Frame> }
}
