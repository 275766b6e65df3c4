/** The page to log in, made of what the locustfile says in `web_ui.auth_args`. */

import "./theme.css";

import { render } from "preact";

import { Field } from "./forms/Field";
import { dataIn } from "./page";
import { wasLedHere } from "./login-trip";
import { startTheme } from "./theme";
import { Logo } from "./TopBar";

interface CustomInput {
  label: string;
  name: string;
  default_value?: string | boolean | null;
  choices?: readonly string[] | null;
  is_multiple?: boolean;
  is_secret?: boolean;
  is_required?: boolean;
}

/** The names are Locust's. */
interface AuthArguments {
  title?: string;
  error?: string | null;
  info?: string | null;
  username_password_callback?: string | null;
  auth_providers?: readonly { label: string; callback_url: string; icon_url?: string | null }[] | null;
  custom_form?: {
    inputs: readonly CustomInput[];
    callback_url: string;
    submit_button_text?: string | null;
  } | null;
}

function Login({ auth }: { auth: AuthArguments }) {
  const { custom_form: custom, username_password_callback: callback, auth_providers: providers } = auth;
  return (
    <main class="beginning">
      <section class="sheet login">
        <span class="brand"><Logo /> Gregaria</span>
        <h1>{auth.title ?? "Log in"}</h1>
        {auth.error && <p class="banner banner-red" role="alert">{auth.error}</p>}
        {wasLedHere() && !auth.error && (
          <p class="banner banner-amber" role="status">
            Your login has run out. What was asked for last was not done; a test that runs goes on.
          </p>
        )}
        {auth.info && <p class="banner banner-amber" role="status">{auth.info}</p>}
        {callback && (
          <form action={callback} method="post">
            <Field id="username" label="User name">
              {(attributes) => <input {...attributes} name="username" autocomplete="username" required autoFocus />}
            </Field>
            <Field id="password" label="Password">
              {(attributes) => (
                <input {...attributes} name="password" type="password" autocomplete="current-password" required />
              )}
            </Field>
            <button type="submit" class="main large">Log in</button>
          </form>
        )}
        {custom && (
          <form action={custom.callback_url} method="post">
            {custom.inputs.map((each) => <CustomField key={each.name} input={each} />)}
            <button type="submit" class="main large">{custom.submit_button_text ?? "Log in"}</button>
          </form>
        )}
        {providers?.map(({ label, callback_url, icon_url }) => (
          <a class="provider" key={callback_url} href={callback_url}>
            {icon_url && <img src={icon_url} alt="" width={20} height={20} />}
            {label}
          </a>
        ))}
        {!callback && !custom && !providers?.length && (
          <p class="muted">
            No way to log in is set up. The locustfile says which there are: see <code>web_ui.auth_args</code>.
          </p>
        )}
      </section>
    </main>
  );
}

function CustomField({ input }: { input: CustomInput }) {
  const { name, label, choices, default_value: value } = input;
  return (
    <Field id={name} label={label}>
      {(attributes) => {
        if (choices?.length) {
          return (
            <select
              {...attributes}
              name={name}
              multiple={Boolean(input.is_multiple)}
              required={Boolean(input.is_required)}
            >
              {choices.map((each) => <option key={each} selected={each === value}>{each}</option>)}
            </select>
          );
        }
        if (typeof value === "boolean") {
          return <input {...attributes} type="checkbox" name={name} defaultChecked={value} />;
        }
        return (
          <input
            {...attributes}
            name={name}
            type={input.is_secret ? "password" : "text"}
            defaultValue={value ?? ""}
            required={Boolean(input.is_required)}
          />
        );
      }}
    </Field>
  );
}

const root = document.getElementById("root");
if (root) {
  startTheme();
  render(<Login auth={dataIn("auth_args") ?? {}} />, root);
}
