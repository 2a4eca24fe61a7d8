//! The providers at which people can sign in.

use authflow_shared::config::Reader;

/// A provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    /// Supabase's word for it, and that of `OAUTH_PROVIDERS` and of our addresses.
    pub(crate) name: &'static str,
    /// As people know it.
    pub(crate) label: &'static str,
    /// What it is asked for, beside what Supabase asks by itself.
    pub(crate) scopes: &'static str,
}

const PROVIDERS: [Provider; 3] = [
    Provider {
        name: "google",
        label: "Google",
        scopes: "",
    },
    Provider {
        name: "github",
        label: "GitHub",
        scopes: "",
    },
    Provider {
        name: "azure",
        label: "Microsoft",
        // Otherwise it tells Supabase no address, and Supabase lets nobody in without one.
        scopes: "email",
    },
];

/// Reads `OAUTH_PROVIDERS`, in the order in which people see them.
pub(crate) fn read(reader: &mut Reader<'_>) -> Vec<Provider> {
    const NAME: &str = "OAUTH_PROVIDERS";
    let mut providers = Vec::new();
    for name in reader.list(NAME) {
        match PROVIDERS.iter().find(|known| known.name == name) {
            Some(known) if !providers.contains(known) => providers.push(*known),
            _ => reader.fault(
                NAME,
                "must name google, github and azure, or some, each once",
            ),
        }
    }
    providers
}

#[cfg(test)]
mod tests {
    use crate::test_support::{config_faults, config_with};

    #[test]
    fn providers_stay_in_their_order() {
        let names = |list| {
            let config = config_with(&[("OAUTH_PROVIDERS", list)]);
            let names = config.oauth_providers.iter().map(|provider| provider.name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(names("azure, google"), ["azure", "google"]);
        assert_eq!(names(""), [""; 0]);
    }

    #[test]
    fn a_name_that_is_not_known_is_a_fault() {
        for list in ["Google", "google,facebook", "microsoft", "google,google"] {
            assert_eq!(
                config_faults(&[("OAUTH_PROVIDERS", list)]),
                ["OAUTH_PROVIDERS"],
                "{list}"
            );
        }
        assert!(!config_faults(&[("OAUTH_PROVIDERS", "google,,github")]).is_empty());
    }
}
