//! A button that decides what is to become of a run.

use super::{
    act::{Act, Call},
    now::{Now, fixed, now},
};
use crate::web::{
    api::runs::{DecideRun, decide_run},
    dto::Decision,
    live::use_live,
};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn Decide(run_id: Now<i64>, decision: Decision, label: &'static str) -> impl IntoView {
    let live = use_live();
    let asked = run_id.clone();
    let fields = vec![("run_id", now(move || run_id().to_string())), ("decision", fixed(decision.code().to_owned()))];
    let call: Call = Box::new(move || {
        let deciding = decide_run(asked(), decision);
        Box::pin(async move {
            deciding.await?;
            // A cancelled run says itself when it has ended; a held one does not.
            if decision != Decision::Cancel {
                live.expire();
            }
            Ok(None)
        })
    });
    view! { <Act url=DecideRun::PATH fields call label class="small" /> }
}
