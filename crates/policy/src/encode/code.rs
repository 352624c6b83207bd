//! Lowering a condition to a program of the core's stack machine.
//!
//! Not here: the meaning of conditions, and their types, which the front end has checked.

use tollgate_core::image::format::{MAX_PROGRAM_WORDS, MAX_STACK, Op, Section};

use super::EncodeError;
use super::tables::Tables;
use crate::spec::{Arithmetic, Comparison, Expr, Network, StringTest};

/// The reason why a condition cannot be encoded.
pub(super) enum CodeError {
    /// It needs more words or a deeper stack than the core supports.
    TooLarge,
    /// A table is full.
    Tables(EncodeError),
}

impl From<EncodeError> for CodeError {
    fn from(error: EncodeError) -> Self {
        Self::Tables(error)
    }
}

/// The number of the program for `expr`.
pub(super) fn write(tables: &mut Tables, expr: &Expr, captures: &[&str]) -> Result<u32, CodeError> {
    let mut writer = Writer {
        tables,
        captures,
        words: Vec::new(),
        depth: 0,
    };
    writer.expr(expr)?;
    let words = writer.words;
    if words.len() > MAX_PROGRAM_WORDS {
        return Err(CodeError::TooLarge);
    }
    let len = u16::try_from(words.len()).map_err(|_| CodeError::TooLarge)?;
    let start = tables.push_unique(Section::Code, words.concat())?;
    let mut record = start.to_le_bytes().to_vec();
    record.extend(len.to_le_bytes());
    record.extend([0, 0]);
    Ok(tables.push_unique(Section::Programs, record)?)
}

struct Writer<'a> {
    tables: &'a mut Tables,
    captures: &'a [&'a str],
    words: Vec<[u8; 4]>,
    depth: usize,
}

impl Writer<'_> {
    /// Appends an instruction that takes `takes` values and leaves one.
    fn op(&mut self, op: Op, operand: u32, takes: usize) -> Result<(), CodeError> {
        let [a, b, c, 0] = operand.to_le_bytes() else {
            return Err(CodeError::TooLarge);
        };
        self.words.push([op as u8, a, b, c]);
        self.depth = self.depth.saturating_sub(takes) + 1;
        if self.depth > MAX_STACK {
            Err(CodeError::TooLarge)
        } else {
            Ok(())
        }
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), CodeError> {
        match expr {
            Expr::Bool(value) => self.op(Op::Bool, u32::from(*value), 0),
            Expr::Str(text) => {
                let text = self.tables.text(text)?;
                self.op(Op::Text, text, 0)
            }
            Expr::Int(int) => {
                let int = self.tables.int(*int)?;
                self.op(Op::Int, int, 0)
            }
            Expr::Time(secs) => {
                let secs = self.tables.int(*secs)?;
                self.op(Op::Time, secs, 0)
            }
            Expr::Ip(addr) => {
                let prefix = if addr.is_ipv4() { 32 } else { 128 };
                let network = self.tables.network(Network {
                    addr: *addr,
                    prefix,
                })?;
                self.op(Op::Ip, network, 0)
            }
            Expr::Claim(slot) => self.op(Op::Claim, u32::from(*slot), 0),
            Expr::Has(slot) => self.op(Op::Has, u32::from(*slot), 0),
            Expr::Subject => self.op(Op::Subject, 0, 0),
            Expr::Issuer => self.op(Op::Issuer, 0, 0),
            Expr::Method => self.op(Op::Method, 0, 0),
            Expr::ClientIp => self.op(Op::ClientIp, 0, 0),
            Expr::Now => self.op(Op::Now, 0, 0),
            Expr::Capture(name) => {
                let number = self
                    .captures
                    .iter()
                    .position(|known| known == name)
                    .ok_or(EncodeError::TooMany)?;
                self.op(
                    Op::Capture,
                    u32::try_from(number).map_err(|_| EncodeError::TooMany)?,
                    0,
                )
            }
            Expr::Not(inner) => self.unary(inner, Op::Not, 0),
            Expr::And(left, right) => self.binary(left, right, Op::And),
            Expr::Or(left, right) => self.binary(left, right, Op::Or),
            Expr::Compare(comparison, left, right) => {
                let op = match comparison {
                    Comparison::Eq => Op::Eq,
                    Comparison::Ne => Op::Ne,
                    Comparison::Lt => Op::Lt,
                    Comparison::Le => Op::Le,
                    Comparison::Gt => Op::Gt,
                    Comparison::Ge => Op::Ge,
                };
                self.binary(left, right, op)
            }
            Expr::Arithmetic(arithmetic, left, right) => {
                let op = match arithmetic {
                    Arithmetic::Add => Op::Add,
                    Arithmetic::Sub => Op::Sub,
                    Arithmetic::Mul => Op::Mul,
                };
                self.binary(left, right, op)
            }
            Expr::Negate(inner) => self.unary(inner, Op::Neg, 0),
            Expr::TimeShift(inner, secs) => {
                let secs = self.tables.int(*secs)?;
                self.unary(inner, Op::Shift, secs)
            }
            Expr::StringTest(test, whole, part) => {
                let op = match test {
                    StringTest::StartsWith => Op::StartsWith,
                    StringTest::EndsWith => Op::EndsWith,
                    StringTest::Contains => Op::Contains,
                };
                self.binary(whole, part, op)
            }
            Expr::InStrings(inner, texts) => {
                let set = self.tables.text_set(texts)?;
                self.unary(inner, Op::InTexts, set)
            }
            Expr::InInts(inner, ints) => {
                let set = self.tables.int_set(ints)?;
                self.unary(inner, Op::InInts, set)
            }
            Expr::InNetworks(inner, networks) => {
                let set = self.tables.network_set(networks)?;
                self.unary(inner, Op::InNetworks, set)
            }
            Expr::InGroups(inner) => self.unary(inner, Op::InGroups, 0),
            Expr::InClaim(inner, slot) => self.unary(inner, Op::InClaim, u32::from(*slot)),
        }
    }

    fn unary(&mut self, inner: &Expr, op: Op, operand: u32) -> Result<(), CodeError> {
        self.expr(inner)?;
        self.op(op, operand, 1)
    }

    fn binary(&mut self, left: &Expr, right: &Expr, op: Op) -> Result<(), CodeError> {
        self.expr(left)?;
        self.expr(right)?;
        self.op(op, 0, 2)
    }
}
