//! Keys of any length that are cheap to generate and use.
//!
//! The modulus is a product of many primes of 50 bits. Such a key is insecure, but verification
//! does not depend on that, and with the primes known a signature costs almost nothing.

use fastrand::Rng;
use num_bigint::BigUint;

/// A key with its primes.
pub(crate) struct TestKey {
    pub(crate) n: BigUint,
    pub(crate) e: BigUint,
    primes: Vec<Prime>,
}

struct Prime {
    prime: u64,
    /// The inverse of e modulo prime - 1.
    d: u64,
    /// 1 modulo this prime, 0 modulo the others.
    unit: BigUint,
}

impl TestKey {
    /// Generates a key with a modulus of exactly `bits` bits.
    pub(crate) fn generate(bits: u64, e: u64, rng: &mut Rng) -> Self {
        loop {
            let mut primes = Vec::new();
            let mut n = BigUint::from(1_u8);
            while bits - n.bits() > 58 {
                let prime = random_prime(1 << 49..1 << 50, e, &primes, rng);
                primes.push(prime);
                n *= prime;
            }
            // The last one makes the product reach the length: top / n is the smallest that does.
            let least = (BigUint::from(1_u8) << (bits - 1)) / &n + 1_u8;
            let least = u64::try_from(least).unwrap();
            let prime = random_prime(least..least * 2 - 2, e, &primes, rng);
            primes.push(prime);
            n *= prime;
            if n.bits() == bits {
                return Self::new(n, e, &primes);
            }
        }
    }

    fn new(n: BigUint, e: u64, primes: &[u64]) -> Self {
        let of = |prime: u64| {
            let others = &n / prime;
            let residue = u64::try_from(&others % prime).unwrap();
            // By Fermat's little theorem.
            let unit = others * power(residue, prime - 2, prime);
            let d = BigUint::from(e).modinv(&BigUint::from(prime - 1)).unwrap();
            Prime {
                prime,
                d: u64::try_from(d).unwrap(),
                unit,
            }
        };
        let primes = primes.iter().map(|prime| of(*prime)).collect();
        Self {
            n,
            e: e.into(),
            primes,
        }
    }

    /// The length of the modulus, and of a signature, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.n.bits().div_ceil(8) as usize
    }

    /// The number whose power is `encoded`, which must be below the modulus.
    pub(crate) fn sign(&self, encoded: &[u8]) -> BigUint {
        let encoded = BigUint::from_bytes_be(encoded);
        let sum: BigUint = self
            .primes
            .iter()
            .map(|Prime { prime, d, unit }| {
                let residue = u64::try_from(&encoded % prime).unwrap();
                unit * power(residue, *d, *prime)
            })
            .sum();
        sum % &self.n
    }

    /// A number in as many bytes as the modulus.
    pub(crate) fn fixed(&self, number: &BigUint) -> Vec<u8> {
        let bytes = number.to_bytes_be();
        [vec![0; self.len() - bytes.len()], bytes].concat()
    }
}

/// A prime in the range for which e has an inverse and that is not in `not`.
fn random_prime(range: core::ops::Range<u64>, e: u64, not: &[u64], rng: &mut Rng) -> u64 {
    loop {
        let number = rng.u64(range.clone()) | 1;
        if is_prime(number) && gcd(e, number - 1) == 1 && !not.contains(&number) {
            return number;
        }
    }
}

/// The Miller–Rabin test, with bases that are deterministic for all numbers below 2⁶⁴.
fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 40 || BASES.iter().any(|base| n.is_multiple_of(*base)) {
        return false;
    }
    let twos = (n - 1).trailing_zeros();
    BASES.iter().all(|base| {
        let mut x = power(*base, (n - 1) >> twos, n);
        for _ in 1..twos {
            if x == 1 || x == n - 1 {
                return true;
            }
            x = product(x, x, n);
        }
        x == n - 1 || twos == 1 && x == 1
    })
}

fn power(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let (mut base, mut power) = (base, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = product(power, base, modulus);
        }
        base = product(base, base, modulus);
        exponent >>= 1;
    }
    power
}

fn product(a: u64, b: u64, modulus: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
