//! Moments in the time of whoever reads them. In files they stand in UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::story;

/// Where the reader's clock is; UTC where nobody knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zone(Option<TimeZone>);

impl Zone {
    /// As the environment (`TZ`) or the system says.
    pub(crate) fn of_this_machine() -> Self {
        Zone(TimeZone::try_system().ok())
    }

    /// Milliseconds since 1970 as "2026-11-23 07:28:35 CET": day, time, and what time that is.
    pub(crate) fn moment(&self, milliseconds: i64) -> String {
        let (day, time, zone) = self.parts(milliseconds);
        format!("{day} {time} {zone}")
    }

    /// The same without what time that is.
    pub(crate) fn day_and_time(&self, milliseconds: i64) -> String {
        let (day, time, _) = self.parts(milliseconds);
        format!("{day} {time}")
    }

    /// Whether it is that of files.
    pub(crate) fn is_utc(&self) -> bool {
        self.parts(0).2 == "UTC"
    }

    /// The time of the day alone.
    pub(crate) fn time(&self, milliseconds: i64) -> String {
        self.parts(milliseconds).1
    }

    /// Day, time of the day, and zone.
    fn parts(&self, milliseconds: i64) -> (String, String, String) {
        // A moment so far away that no calendar has it is told as it is.
        let zoned = self.0.as_ref().zip(Timestamp::from_millisecond(milliseconds).ok());
        let zoned = zoned.map(|(zone, moment)| moment.to_zoned(zone.clone()));
        match zoned {
            Some(zoned) => {
                let part = |format: &str| zoned.strftime(format).to_string();
                (part("%Y-%m-%d"), part("%H:%M:%S"), part("%Z"))
            }
            None => {
                let moment = story::moment(milliseconds);
                let (day, time) = moment.split_once(' ').unwrap_or((&moment, ""));
                (day.to_string(), time.to_string(), "UTC".to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_the_readers_time_and_in_utc_where_that_is_not_known() {
        let at = 1_795_415_315_999;
        assert_eq!(Zone::default().moment(at), "2026-11-23 06:28:35 UTC");
        let east = Zone(Some(TimeZone::fixed(jiff::tz::offset(3))));
        assert_eq!(east.moment(at), "2026-11-23 09:28:35 +03");
        assert_eq!(east.time(at), "09:28:35");
        assert_eq!((east.day_and_time(at).as_str(), east.is_utc()), ("2026-11-23 09:28:35", false));
        assert!(Zone::default().is_utc() && Zone(Some(TimeZone::UTC)).is_utc());
        // Berlin as POSIX writes it: no list of zones is needed.
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("it is a zone");
        let berlin = Zone(Some(berlin));
        assert_eq!(berlin.moment(at), "2026-11-23 07:28:35 CET");
        assert_eq!(berlin.moment(at - 120 * 86_400_000), "2026-07-26 08:28:35 CEST", "in summer it is another");
        for extreme in [i64::MIN, i64::MAX] {
            assert!(berlin.moment(extreme).ends_with("UTC"));
        }
    }
}
