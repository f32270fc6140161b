//! `link`: the friends themselves.

use super::{Context, Failure, NetworkArgs, Outcome, output, until};
use crate::{
    domain::{
        audit::{COMMAND_LINE, Deed},
        link::{Link, Manual},
        settings,
    },
    service::{LinkEdit, told},
    store::Draft,
};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use std::{io::Write, process::ExitCode};

#[derive(Subcommand)]
#[command(after_help = "Examples:
  rollcall link add https://alice.example --name Alice --group Friends
  rollcall link set 3 --backlink-page https://alice.example/links
  rollcall link set 3 --backlink off --timeout 10      ask less, wait longer
  rollcall link set 3 --verdict hide                   hide by hand, whatever checks say
  rollcall link rm 3")]
pub enum LinkCommand {
    /// Add a link
    Add {
        /// The friend's address
        url: String,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// Change a link
    Set {
        /// The link's number
        id: i64,
        /// A new address
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        fields: Box<Fields>,
        /// Show or hide by hand, or go by the rules again
        #[arg(long)]
        verdict: Option<VerdictArg>,
        /// Until when --verdict holds: a day, or a time such as 2027-01-31T08:00:00Z
        #[arg(long, requires = "verdict", value_name = "TIME", value_parser = until::parse)]
        until: Option<DateTime<Utc>>,
    },
    /// Remove a link and its history
    Rm {
        /// The link's number
        id: i64,
    },
    /// Every link with how it stands
    List,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerdictArg {
    Show,
    Hide,
    /// By the rules
    Auto,
}

#[derive(Args)]
pub struct Fields {
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    group: Option<String>,
    /// Address of a picture
    #[arg(long)]
    logo: Option<String>,
    #[arg(long)]
    description: Option<String>,
    /// Address of the feed
    #[arg(long)]
    feed: Option<String>,
    /// The page that carries the backlink, where it is not the site's own address
    #[arg(long, value_name = "URL")]
    backlink_page: Option<String>,
    /// The owner's address
    #[arg(long)]
    email: Option<String>,
    #[arg(long)]
    note: Option<String>,
    /// In the roll at all
    #[arg(long, value_name = "true|false")]
    active: Option<bool>,
    /// Whether a backlink is asked of this friend
    #[arg(long)]
    backlink: Option<Switch>,
    /// This link's own time limit in seconds; 0 goes back to the setting
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<String>,
    /// Statuses that count as well as 200, such as 403,503; none goes back to 200 only
    #[arg(long, value_name = "STATUS,…")]
    accept: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

pub async fn run(context: &Context, command: LinkCommand) -> Outcome {
    let service = context.service(&NetworkArgs::default()).await?;
    match command {
        LinkCommand::Add { url, fields } => {
            let id = service.add_link(edit(*fields, Some(url))?).await?;
            service.note_here(Deed::LinkAdded, service.name_list(&[id]).await).await;
            writeln!(std::io::stdout(), "{id}")?;
        }
        LinkCommand::Set { id, url, fields, verdict, until } => {
            let until = until::ahead(until, context.clock.now())?;
            if until.is_some() && verdict == Some(VerdictArg::Auto) {
                return Err(Failure::Usage("--until goes with --verdict show or hide; auto has no end".to_owned()));
            }
            let changes = service.edit_link(id, edit(*fields, url)?).await?;
            let name = service.name_list(&[id]).await;
            if !changes.is_empty() {
                service.note_here(Deed::LinkChanged, format!("{name}: {}", told(&changes))).await;
            }
            if let Some(verdict) = verdict {
                let now = context.clock.now();
                let set_by = COMMAND_LINE.to_owned();
                let manual = match verdict {
                    VerdictArg::Auto => None,
                    VerdictArg::Show => Some(Manual { shown: true, until, set_at: now, set_by }),
                    VerdictArg::Hide => Some(Manual { shown: false, until, set_at: now, set_by }),
                };
                service.set_verdict(id, manual).await?;
                let code = verdict.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                service.note_here(Deed::VerdictSet, format!("{name}: {code}")).await;
            }
        }
        LinkCommand::Rm { id } => {
            let name = service.name_list(&[id]).await;
            service.remove_links(&[id]).await?;
            service.note_here(Deed::LinksRemoved, name).await;
        }
        LinkCommand::List => {
            service.end_first().await;
            list(context, &service.store().links().await?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn edit(fields: Fields, url: Option<String>) -> Result<LinkEdit, Failure> {
    let timeout_ms = match fields.timeout.as_deref() {
        None => None,
        Some("0") => Some(None),
        Some(text) => Some(Some(settings::seconds(text).map_err(|e| Failure::Usage(format!("--timeout: {e}")))?)),
    };
    let accept = fields.accept.as_deref().map(statuses).transpose()?;
    Ok(LinkEdit {
        name: fields.name,
        url,
        active: fields.active,
        backlink: fields.backlink.map(|switch| matches!(switch, Switch::On)),
        timeout_ms,
        accept,
        fields: Draft {
            group: fields.group,
            logo: fields.logo,
            description: fields.description,
            feed: fields.feed,
            backlink_page: fields.backlink_page,
            email: fields.email,
            note: fields.note,
            ..Draft::default()
        },
    })
}

fn statuses(text: &str) -> Result<Vec<u16>, Failure> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let wrong = || Failure::Usage("--accept: write statuses from 200 to 599, such as 403,503, or none".into());
    text.split(',')
        .map(|s| s.trim().parse().ok().filter(|status| (200..600).contains(status)).ok_or_else(wrong))
        .collect()
}

fn list(context: &Context, links: &[Link]) -> Result<(), Failure> {
    let lang = context.lang;
    let rows: Vec<Vec<String>> = links
        .iter()
        .map(|link| {
            let reason = link.state.reason.as_ref().map(|r| r.words(lang)).unwrap_or_default();
            vec![
                link.id.to_string(),
                output::plain(&link.about.name, 30),
                output::plain(&link.about.url, 60),
                output::plain(&link.about.group, 16),
                output::yes(link.active, lang),
                output::yes(link.state.shown, lang),
                reason,
            ]
        })
        .collect();
    Ok(output::table(&["id", "name", "url", "group", "active", "shown", "reason"], &rows)?)
}
