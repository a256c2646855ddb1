"""Words that forms suggest: content levels and types, roles of dates, relationships, wavebands, UCDs, subjects.

The names are those of the IVOA's vocabularies; the choice of UCDs and subjects is our own and short. A suggestion binds
nobody: any text may be typed.
"""

from __future__ import annotations

_LISTS: dict[str, tuple[str, ...]] = {
    "content-levels": ("General", "Elementary Education", "Middle School Education", "Secondary Education",
                       "Community College", "University", "Research", "Amateur", "Informal Education"),
    "content-types": ("Other", "Archive", "Bibliography", "Catalog", "Journal", "Library", "Simulation", "Survey",
                      "Transformation", "Education", "Outreach", "EPOResource", "Animation", "Artwork", "Background",
                      "BasicData", "Historical", "Photographic", "Press", "Organisation", "Project", "Registry"),
    "date-roles": ("Created", "Updated", "Collected", "Issued", "Available", "Accepted", "Copyrighted", "Submitted",
                   "Valid"),
    "relationships": ("Cites", "Continues", "HasPart", "IsCitedBy", "IsContinuedBy", "IsDerivedFrom", "IsIdenticalTo",
                      "IsNewVersionOf", "IsPartOf", "IsPreviousVersionOf", "IsServedBy", "IsServiceFor", "IsSourceOf",
                      "IsSupplementTo", "IsSupplementedBy", "Requires"),
    "wavebands": ("Radio", "Millimeter", "Infrared", "Optical", "UV", "EUV", "X-ray", "Gamma-ray"),
    "standards": ("ivo://ivoa.net/std/TAP", "ivo://ivoa.net/std/ConeSearch", "ivo://ivoa.net/std/SIA",
                  "ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/SSA", "ivo://ivoa.net/std/SLAP",
                  "ivo://ivoa.net/std/Registry", "ivo://ivoa.net/std/UWS#rest-1.1", "ivo://ivoa.net/std/SODA#sync-1.0",
                  "ivo://ivoa.net/std/SODA#async-1.0", "ivo://ivoa.net/std/DataLink#links-1.1",
                  "ivo://ivoa.net/std/VOSI#capabilities", "ivo://ivoa.net/std/VOSI#availability",
                  "ivo://ivoa.net/std/VOSI#tables-1.1"),
    "security-methods": ("ivo://ivoa.net/sso#BasicAA", "ivo://ivoa.net/sso#tls-with-certificate",
                         "ivo://ivoa.net/sso#OAuth", "ivo://ivoa.net/sso#OpenID", "ivo://ivoa.net/sso#cookie"),
    "interface-roles": ("std",),
    "media-types": ("application/x-votable+xml", "text/xml", "text/csv", "text/tab-separated-values", "application/json",
                    "application/fits", "image/fits", "image/jpeg", "image/png", "text/html", "text/plain"),
    "licences": ("https://creativecommons.org/publicdomain/zero/1.0/", "https://creativecommons.org/licenses/by/4.0/",
                 "https://creativecommons.org/licenses/by-sa/4.0/"),
    "upload-methods": ("ivo://ivoa.net/std/TAPRegExt#upload-inline", "ivo://ivoa.net/std/TAPRegExt#upload-http",
                       "ivo://ivoa.net/std/TAPRegExt#upload-https", "ivo://ivoa.net/std/TAPRegExt#upload-ftp"),
    "data-models": ("ivo://ivoa.net/std/ObsCore#core-1.1", "ivo://ivoa.net/std/RegTAP#1.1"),
    "source-formats": ("bibcode", "doi"),
    "frames": ("ICRS",),
    "table-types": ("base_table", "output", "view"),
    "flags": ("indexed", "primary", "nullable"),
    "units": ("deg", "arcsec", "mas", "mas/yr", "rad", "m", "nm", "um", "Angstrom", "Hz", "GHz", "eV", "keV", "s", "d",
              "yr", "mag", "Jy", "mJy", "W/m**2", "km/s", "pc", "kpc", "Mpc", "K", "Lsun", "Msun", "Rsun", "%"),
    "ucds": ("meta.id", "meta.id;meta.main", "meta.title", "meta.note", "meta.ref.url", "meta.bib.bibcode", "meta.code",
             "meta.code.class", "meta.code.qual", "meta.dataset", "meta.number", "meta.record", "meta.version",
             "meta.curation", "pos.eq.ra", "pos.eq.ra;meta.main", "pos.eq.dec", "pos.eq.dec;meta.main",
             "pos.galactic.lon", "pos.galactic.lat", "pos.ecliptic.lon", "pos.ecliptic.lat", "pos.parallax",
             "pos.pm;pos.eq.ra", "pos.pm;pos.eq.dec", "pos.distance", "pos.angDistance", "pos.posAng", "pos.outline",
             "pos.frame", "phot.mag", "phot.mag;em.opt.B", "phot.mag;em.opt.V", "phot.mag;em.opt.R", "phot.mag;em.opt.I",
             "phot.mag;em.IR.J", "phot.mag;em.IR.H", "phot.mag;em.IR.K", "phot.color", "phot.flux",
             "phot.flux.density", "phot.count", "em.wl", "em.freq", "em.energy", "em.radio", "em.mm", "em.IR", "em.opt",
             "em.UV", "em.X-ray", "em.gamma", "time.epoch", "time.start", "time.end", "time.duration", "time.period",
             "time.creation", "spect.line.wavelength", "spect.resolution", "src.class", "src.redshift",
             "src.spType", "src.morph", "src.var", "src.orbital", "spect.dopplerVeloc", "phys.veloc",
             "phys.temperature.effective", "phys.mass", "phys.luminosity", "phys.size.radius", "phys.size.angSize",
             "phys.gravity", "phys.abund.Fe", "phys.age", "instr.bandpass", "instr.tel", "obs.exposure", "obs.field",
             "obs.image", "stat.error", "stat.error;pos.eq.ra", "stat.error;pos.eq.dec", "stat.error;phot.mag",
             "stat.mean", "stat.median", "stat.snr", "arith.ratio"),
    "subjects": ("active-galactic-nuclei", "astrometry", "astronomy-databases", "asteroids", "binary-stars",
                 "black-holes", "blazars", "brown-dwarfs", "catalogs", "cataclysmic-variable-stars", "cepheid-variable-stars",
                 "comets", "cosmic-microwave-background-radiation", "cosmology", "dark-matter", "eclipsing-binary-stars",
                 "exoplanets", "extinction", "galaxies", "galaxy-clusters", "gamma-ray-bursts", "globular-star-clusters",
                 "gravitational-lensing", "gravitational-waves", "h-ii-regions", "hertzsprung-russell-diagram",
                 "infrared-astronomy", "interstellar-medium", "light-curves", "magnetic-fields", "meteors",
                 "milky-way-galaxy", "molecular-clouds", "nebulae", "neutron-stars", "novae", "open-star-clusters",
                 "parallax", "photometry", "planetary-nebulae", "polarimetry", "proper-motions", "protoplanetary-disks",
                 "pulsars", "quasars", "radial-velocity", "radio-astronomy", "redshift-surveys", "rr-lyrae-variable-stars",
                 "sky-surveys", "solar-physics", "spectroscopy", "star-formation", "stars", "stellar-atmospheres",
                 "stellar-evolution", "stellar-photometry", "stellar-populations", "supernova-remnants", "supernovae",
                 "surveys", "the-sun", "transient-sources", "ultraviolet-astronomy", "variable-stars",
                 "virtual-observatories", "white-dwarf-stars", "x-ray-astronomy", "x-ray-binary-stars"),
}
_FOR = {
    ("Content", "contentLevel"): "content-levels", ("Content", "type"): "content-types", ("Content", "subject"): "subjects",
    ("date", "@role"): "date-roles", ("relationship", "relationshipType"): "relationships",
    ("coverage", "waveband"): "wavebands", ("capability", "@standardID"): "standards",
    ("securityMethod", "@standardID"): "security-methods", ("interface", "@role"): "interface-roles",
    ("interface", "resultType"): "media-types", ("outputFormat", "mime"): "media-types",
    ("Resource", "format"): "media-types", ("rights", "@rightsURI"): "licences",
    ("uploadMethod", "@ivo-id"): "upload-methods", ("dataModel", "@ivo-id"): "data-models",
    ("source", "@format"): "source-formats", ("spatial", "@frame"): "frames", ("table", "@type"): "table-types",
    ("column", "flag"): "flags", ("column", "ucd"): "ucds", ("param", "ucd"): "ucds", ("column", "unit"): "units",
    ("param", "unit"): "units",
}


def list_for(parent: str, name: str) -> str:
    """The name of the list of words for the field `name` in an element `parent`; '' where none is suggested."""
    return _FOR.get((parent, name)) or _FOR.get((parent[:1].upper() + parent[1:], name), "")


def suggestions() -> dict[str, tuple[str, ...]]:
    """All lists by name."""
    return _LISTS
