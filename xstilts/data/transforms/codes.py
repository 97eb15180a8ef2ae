"""What translation models call a language.

Multilingual models learn source and target language from special tokens: NLLB's name language and
script (`deu_Latn`), M2M100's are ISO codes. A language has that code of the model which means the
same, in the same script: `zh`, `zh-CN` and `cmn` are `zho_Hans`, `zh-TW` is `zho_Hant`. M2M100's
`zh` writes Hans, so for `zh-Hant` it has none. Where the model has no code for a language, and for
models without a table here (mBART-50), codes come from `language_codes`. Other models (opus-mt, any
model for one pair) get no token and translate into one language; for opus-mt models with several
targets, `language_codes` gives a text to put before each sentence (`>>deu<<`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from xstilts.spec.languages import alias, same
from xstilts.spec.transforms import Translate
from xstilts.spec.words import words

Kind = Literal["nllb", "m2m100", "mbart50", "plain"]
NLLB = words(
    "ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn amh_Ethi apc_Arab "
    "arb_Arab ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn "
    "bak_Cyrl bam_Latn ban_Latn bel_Cyrl bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt "
    "bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn ces_Latn cjk_Latn ckb_Arab crh_Latn cym_Latn "
    "dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn epo_Latn est_Latn eus_Latn "
    "ewe_Latn fao_Latn pes_Arab fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gla_Latn "
    "gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn "
    "hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn "
    "kac_Latn kam_Latn kan_Knda kas_Arab kas_Deva kat_Geor knc_Arab knc_Latn kaz_Cyrl kbp_Latn "
    "kea_Latn khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn kon_Latn kor_Hang kmr_Latn lao_Laoo "
    "lvs_Latn lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn ltz_Latn lua_Latn lug_Latn "
    "luo_Latn lus_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Latn mkd_Cyrl plt_Latn mlt_Latn "
    "mni_Beng khk_Cyrl mos_Latn mri_Latn zsm_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva "
    "nso_Latn nus_Latn nya_Latn oci_Latn gaz_Latn ory_Orya pag_Latn pan_Guru pap_Latn pol_Latn "
    "por_Latn prs_Arab pbt_Arab quy_Latn ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Beng "
    "scn_Latn shn_Mymr sin_Sinh slk_Latn slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn "
    "spa_Latn als_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn szl_Latn tam_Taml "
    "tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi taq_Latn taq_Tfng tpi_Latn tsn_Latn "
    "tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab "
    "uzn_Latn vec_Latn vie_Latn war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans "
    "zho_Hant zul_Latn "
)
"""All of NLLB-200's codes."""
M2M100 = words(
    "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl "
    "gu ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn "
    "mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn "
    "tr uk ur uz vi wo xh yi yo zh zu "
)
"""All of M2M100's codes."""
_OTHER_NAMES: Mapping[str, str] = MappingProxyType({"quy_Latn": "qu", "ns": "nso"})
"""Code of a model to the code of the language that it stands for, where that says something else:
NLLB's only Quechua is that of Ayacucho; `ns` is no code.
"""
_TABLES: Mapping[Kind, tuple[str, ...]] = MappingProxyType({"nllb": NLLB, "m2m100": M2M100})


def kind(config: Mapping[str, Any], tokenizer_config: Mapping[str, Any]) -> Kind:
    """How a model takes its languages, from its `config.json` and `tokenizer_config.json`."""
    tokenizer = str(
        tokenizer_config.get("tokenizer_class") or config.get("tokenizer_class") or ""
    ).removesuffix("Fast")
    model = config.get("model_type")
    if tokenizer == "NllbTokenizer" or model == "nllb-moe":
        return "nllb"
    if tokenizer == "MBart50Tokenizer":
        return "mbart50"
    return "m2m100" if (tokenizer or model) in ("M2M100Tokenizer", "m2m_100") else "plain"


def code(spec: Translate, how: Kind, language: str) -> str | None:
    """The model's code for a language; None if none is known. A plain model needs none: empty."""
    own = alias(language, spec.language_codes)
    if own is not None:
        return spec.language_codes[own]
    if how == "plain":
        return ""
    table = _TABLES.get(how, ())
    names = {one: one for one in table} | {
        name: one for one, name in _OTHER_NAMES.items() if one in table
    }
    named = alias(language, names)
    return None if named is None else names[named]


def problems(spec: Translate, how: Kind, source: str) -> list[str]:
    """Problems with the languages of a translation."""
    found = []
    asked = spec.languages if how == "plain" else (source, *spec.languages)
    missing = [one for one in dict.fromkeys(asked) if code(spec, how, one) is None]
    if missing:
        found.append(
            f"no code for {', '.join(missing)} is known for this {how} model; give its own: "
            f"`language_codes: {{{missing[0]}: ...}}`"
        )
    own = [one for one in spec.languages if same(one, source)]
    if own:
        found.append(
            f"`languages` names {own[0]}, the language of the rows; leave it out (`share` "
            "keeps rows as they are)"
        )
    if (
        how == "plain"
        and len(set(spec.languages)) > 1
        and any(not code(spec, how, one) for one in spec.languages)
    ):
        found.append(
            f"a model for one language is asked for {len(spec.languages)} "
            f"({', '.join(spec.languages)}); give each language a task with a model of its own, or "
            "give `language_codes` with the text to put before a sentence (`de: '>>deu<<'`)"
        )
    return found
