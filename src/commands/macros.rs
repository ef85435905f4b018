//! Makes an enum of subcommands and its dispatch from one list.

/// `enum Name { /// help … Variant(Args) }`: each `Args` implements [`Run`](super::Run) (or is such an
/// enum itself).
macro_rules! subcommands {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident($args:ty), )+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, clap::Subcommand)]
        #[allow(clippy::large_enum_variant, reason = "one value per run of the program")]
        pub enum $name { $( $(#[$variant_meta])* $variant($args), )+ }

        impl $name {
            /// Whether the chosen command ends itself in an orderly way on Ctrl-C.
            pub fn handles_interrupt(&self) -> bool {
                match self { $( Self::$variant(args) => $crate::commands::Run::handles_interrupt(args), )+ }
            }

            /// Runs the chosen command.
            pub async fn run(self, context: $crate::commands::Context) -> $crate::error::CommandResult {
                match self { $( Self::$variant(args) => Box::pin($crate::commands::Run::run(args, context)).await, )+ }
            }
        }

        impl $crate::commands::Run for $name {
            fn handles_interrupt(&self) -> bool {
                $name::handles_interrupt(self)
            }

            fn run(
                self,
                context: $crate::commands::Context,
            ) -> impl Future<Output = $crate::error::CommandResult> + Send {
                $name::run(self, context)
            }
        }
    };
}
