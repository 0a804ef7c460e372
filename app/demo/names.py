"""Invented people's names: common given and family names of several languages, put together at random."""

import random
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Tongue:
    """The names of a language, apart by spaces, how they are written, and the language its people are spoken to in."""

    given: str
    family: str
    speaks: str = "en"
    pattern: str = "{given} {family}"


TONGUES: Final = (
    Tongue(
        "Alice Arthur Beatrice Clara Dorothy Edith Ernest Florence Harold Irene Ralph Walter",
        "Barker Carter Dawson Fletcher Harper Mercer Osborne Palmer Sawyer Thatcher Turner Weaver",
    ),
    Tongue(
        "秀英 桂兰 玉珍 淑华 建国 志明 文华 德福 美玲 国强 春梅 永福",
        "陈 方 高 何 黄 林 罗 苏 唐 吴 谢 郑",
        speaks="zh-CN",
        pattern="{family}{given}",
    ),
    Tongue(
        "Carmen Dolores Elena Esteban Gloria Ignacio Lucía Manuel Pilar Rafael Ramón Teresa",
        "Aguilar Campos Delgado Herrera Ibarra Medina Navarro Ortega Peña Rojas Salas Vega",
    ),
    Tongue(
        "Anneliese Bruno Elfriede Ernst Gerda Helga Horst Ilse Jürgen Käthe Lothar Waltraud",
        "Bauer Becker Fischer Hofmann Keller Krämer Lange Richter Schäfer Vogel Wagner Ziegler",
    ),
    Tongue(
        "Anand Asha Gita Harish Indira Kamala Lakshmi Mohan Prakash Savitri Suresh Usha",
        "Bhat Chandra Desai Iyer Joshi Kulkarni Menon Nair Patil Rao Sharma Varma",
    ),
    Tongue(
        "Amina Farid Hassan Jamila Karim Khadija Layla Mariam Nadia Rashid Samira Yusuf",
        "Aziz Bashir Fahmi Haddad Karimi Khalil Mansour Najjar Qasim Saleh Sayegh Zaki",
    ),
)
WEIGHTS: Final = (34, 26, 14, 10, 9, 7)


def tongue(chance: random.Random) -> Tongue:
    """Return a language by how common it is in the demo community."""
    return chance.choices(TONGUES, WEIGHTS)[0]


def name(chance: random.Random, of: Tongue, family: str | None = None) -> tuple[str, str]:
    """Return a full name and the family name in it, which is ``family`` if that is given."""
    kin = family or chance.choice(of.family.split())
    return of.pattern.format(given=chance.choice(of.given.split()), family=kin), kin
