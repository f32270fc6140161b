//! Errors in the words of the page's language. What is no one's mistake is logged here, once, under an id that the
//! page shows.

use super::once;
use crate::{
    domain::{field::Field, lang::Lang},
    formats::{FormatError, MAX_BYTES, MAX_ROWS, MAX_TEXT},
    service::{ServiceError, USER_NAME_MAX},
    store::StoreError,
    web::api::fault::Fault,
};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use std::any::Any;

/// Letters of an id: enough to find a line in a log.
const ID_LETTERS: usize = 8;

/// An error as the page is told it.
pub fn told(error: &ServiceError, lang: Lang) -> Fault {
    match error {
        ServiceError::Setting(setting) => Fault::Refused(setting.words(lang)),
        ServiceError::NoRun(id) => Fault::NotFound(lang.pick(format!("第 {id} 次检查不存在"), sentence(error))),
        ServiceError::Store(StoreError::NoSuch { id, .. }) => {
            Fault::NotFound(lang.pick(format!("编号 {id} 不存在，可能已被删除"), sentence(error)))
        }
        ServiceError::Store(StoreError::Database(_)) | ServiceError::Probe(_) | ServiceError::Password(_) => {
            broken(error, lang)
        }
        _ => kind_of(error)(words(error, lang)),
    }
}

/// Whether what was asked is at fault, or its time, or the machine: what is ours is told in the log as well.
fn kind_of(error: &ServiceError) -> fn(String) -> Fault {
    use StoreError::{
        CannotOpen, Corrupt, DuplicateLink, File, Full, Locked, Moved, NotADatabase, NotHeld, NotOwner, NotRead,
        NotWritten, ReadOnly,
    };
    let ours = |kind: fn(String) -> Fault| {
        tracing::error!(%error, "a request could not be done");
        kind
    };
    match error {
        ServiceError::Store(Full | NotWritten) => ours(Fault::NoRoom),
        ServiceError::Store(
            Locked | ReadOnly | Corrupt(_) | NotRead | Moved | File(_) | CannotOpen(_) | NotADatabase(_),
        ) => ours(Fault::Unavailable),
        ServiceError::Stopping | ServiceError::TooManyLists => Fault::Unavailable,
        ServiceError::Store(NotHeld { .. } | DuplicateLink(..) | NotOwner(_)) => Fault::Conflict,
        ServiceError::NotRunning(_) | ServiceError::UserExists(_) => Fault::Conflict,
        ServiceError::NoEntry(_) | ServiceError::NoUser(_) | ServiceError::UnknownName(_) => Fault::NotFound,
        _ => Fault::Refused,
    }
}

fn words(error: &ServiceError, lang: Lang) -> String {
    let english = error.to_string();
    lang.pick(in_chinese(error).unwrap_or_else(|| english.clone()), english)
}

/// An error's words with a capital.
fn sentence(error: &ServiceError) -> String {
    let mut words = error.to_string();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// A fault of our own.
pub fn broken(error: &ServiceError, lang: Lang) -> Fault {
    let id: String = once::token().chars().take(ID_LETTERS).collect();
    tracing::error!(%id, %error, "a request broke");
    Fault::Broken(
        lang.pick(format!("服务器出错，日志编号 {id}"), format!("The server failed; look for {id} in its log")),
    )
}

/// What a request is told whose handler has panicked. The panic itself is in the log.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request broke, see above");
    (StatusCode::INTERNAL_SERVER_ERROR, "The server failed; its log has more.\n").into_response()
}

fn in_chinese(error: &ServiceError) -> Option<String> {
    Some(match error {
        ServiceError::Store(StoreError::DuplicateLink(url, id)) => format!("{url} 已在友链中（编号 {id}）"),
        ServiceError::Store(StoreError::Address(address)) => address.words(Lang::Zh),
        ServiceError::TooLong(long) => long.words(Lang::Zh),
        ServiceError::Store(StoreError::TooLong { what, max }) => too_long(what, *max),
        ServiceError::Store(StoreError::Cancelled) => "已取消，没有任何改动".into(),
        ServiceError::Store(StoreError::Locked) => "数据库正被其他程序占用，请稍后重试".into(),
        ServiceError::Store(StoreError::Full) => "磁盘已满，请清理后重试".into(),
        ServiceError::Store(StoreError::NotWritten) => {
            "磁盘拒绝写入，请检查磁盘空间、配额与文件大小限制，或磁盘是否有故障".into()
        }
        ServiceError::Store(StoreError::NotRead) => "无法读取数据库文件，磁盘可能有故障，请查看系统日志并备份".into(),
        ServiceError::Store(StoreError::ReadOnly) => "数据库只读，无法写入".into(),
        ServiceError::Store(StoreError::Corrupt(what)) => {
            format!("数据库已损坏（{what}），请停止服务，用 rollcall restore 还原备份")
        }
        ServiceError::Store(StoreError::NotADatabase(_)) => {
            "数据库文件已损坏或不是 Rollcall 数据库，请停止服务，用 rollcall restore 还原备份".into()
        }
        ServiceError::Store(StoreError::Moved) => "数据库文件在使用中被移走或替换，请重新启动 Rollcall".into(),
        ServiceError::Store(StoreError::CannotOpen(_)) => {
            "无法打开数据库，请检查其文件夹是否存在且可写，以及可打开的文件数".into()
        }
        ServiceError::Store(StoreError::NotHeld { id, .. }) => format!("第 {id} 次检查不在待确认状态"),
        ServiceError::TooManyLists => "正在读取其他列表，请稍后再试".into(),
        ServiceError::Stopping => "Rollcall 正在停止，请稍后再试".into(),
        ServiceError::NotRunning(id) => format!("第 {id} 次检查已经结束"),
        ServiceError::Pattern(pattern) => format!("“{}”不是主机名，请填写 example.com 或 *.example.com", pattern.0),
        ServiceError::NoSites => "请先填写本站地址".into(),
        ServiceError::EmptyPattern => "白名单条目是空的，请填写友链名称或域名".into(),
        ServiceError::UserName => format!("请填写 1–{USER_NAME_MAX} 个字符的账号名"),
        ServiceError::NoEntry(pattern) => format!("白名单中没有“{pattern}”"),
        ServiceError::UnknownName(name) => format!("没有名为“{name}”的友链"),
        ServiceError::ShortPassword => "密码太短，至少 8 个字符".into(),
        ServiceError::UserExists(name) => format!("账号“{name}”已存在"),
        ServiceError::Format(format) => match format {
            FormatError::Empty => "内容是空的，请至少列出一个友链".into(),
            FormatError::Unknown => "无法识别格式，支持 JSON、CSV、link.yml 与 OPML".into(),
            FormatError::Broken { format, line, why } => format!("第 {line} 行不是有效的 {format}：{why}"),
            FormatError::TooLarge => format!("文件超过 {} MB，请拆分后导入", MAX_BYTES >> 20),
            FormatError::TooManyRows => format!("文件超过 {MAX_ROWS} 行，请拆分后导入"),
            FormatError::Unfolds => {
                format!("文件展开后超过 {} MB，或键名与锚点过多，请拆分后导入", MAX_TEXT >> 20)
            }
            FormatError::TooSlow(seconds) => format!("读取超过 {seconds} 秒，请拆分后导入"),
            FormatError::Defect => "程序无法读取这个文件，请附上该文件反馈问题".into(),
            FormatError::Stopped => "已停止读取，没有任何改动".into(),
            FormatError::NoRows => "没有找到友链，每条需要名称与地址".into(),
        },
        ServiceError::Site(site) => site.in_chinese(),
        _ => return None,
    })
}

fn too_long(what: &str, max: usize) -> String {
    let field = Field::ALL.into_iter().find(|field| field.code() == what);
    let what = match what {
        "pattern" => "白名单条目",
        "schedule" => "定时表达式",
        _ => field.map_or("内容", |field| field.label(Lang::Zh)),
    };
    format!("{what}太长，最多 {max} 个字符，请缩短")
}
