//! A name server that answers as it is told, and remembers what it was asked.

use hickory_resolver::proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{RData, Record, RecordType},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};
use tokio::net::UdpSocket;

/// What is answered.
pub enum Reply {
    /// These IPv4 addresses, good for no second; none of version 6.
    Addresses(Vec<[u8; 4]>),
    Code(ResponseCode),
    Silence,
}

pub struct NameServer {
    pub addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl NameServer {
    /// `reply` is handed a name and how often its address was asked for before.
    pub async fn start(reply: impl Fn(&str, usize) -> Reply + Send + 'static) -> NameServer {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::<String>::new()));
        let noted = asked.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            loop {
                // What comes of a network that is down is no end.
                let Ok((n, from)) = socket.recv_from(&mut buffer).await else { continue };
                let Ok(question) = Message::from_vec(&buffer[..n]) else { continue };
                let Some(query) = question.queries.first() else { continue };
                let name = query.name().to_utf8().trim_end_matches('.').to_owned();
                let address = query.query_type() == RecordType::A;
                let before = noted.lock().unwrap().iter().filter(|held| **held == name).count();
                if address {
                    noted.lock().unwrap().push(name.clone());
                }
                if let Some(answer) = answer(&question, reply(&name, before), address) {
                    let _ = socket.send_to(&answer.to_vec().unwrap(), from).await;
                }
            }
        });
        NameServer { addr, asked }
    }

    /// The names whose addresses were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(question: &Message, reply: Reply, address: bool) -> Option<Message> {
    let query = question.queries.first()?.clone();
    let (code, addresses) = match reply {
        Reply::Silence => return None,
        Reply::Code(code) => (code, Vec::new()),
        Reply::Addresses(addresses) => (ResponseCode::NoError, addresses),
    };
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.message_type = MessageType::Response;
    answer.metadata.recursion_available = true;
    answer.metadata.response_code = code;
    for ip in addresses.into_iter().filter(|_| address) {
        answer.add_answer(Record::from_rdata(query.name().clone(), 0, RData::A(Ipv4Addr::from(ip).into())));
    }
    answer.add_query(query);
    Some(answer)
}
