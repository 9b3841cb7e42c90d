package presignup

// The codes in what a refused person reads. Clients read them, so they stay as they are.
const (
	saidInvalid   = "address-invalid"
	saidLookAlike = "address-lookalike"
	saidReserved  = "address-reserved"
	saidRefused   = "address-refused"
)

// said is all that a refused person reads: by code, then by language.
func said() map[string]map[string]string {
	return map[string]map[string]string{
		saidInvalid: {
			"de": "Bitte geben Sie eine gültige E-Mail-Adresse ein",
			"en": "Please enter a valid email address",
			"es": "Introduzca una dirección de correo electrónico válida",
			"fr": "Veuillez saisir une adresse e-mail valide",
			"ja": "有効なメールアドレスを入力してください",
		},
		saidLookAlike: {
			"de": "Diese E-Mail-Adresse mischt Buchstaben, die einander ähnlich sehen. Bitte verwenden Sie eine andere",
			"en": "This email address mixes letters that look alike. Please use another one",
			"es": "Esta dirección de correo electrónico mezcla letras que se parecen. Utilice otra",
			"fr": "Cette adresse e-mail mélange des lettres qui se ressemblent. Veuillez en utiliser une autre",
			"ja": "このメールアドレスには見分けにくい文字が混ざっています。別のアドレスを使ってください",
		},
		saidReserved: {
			"de": "Bitte verwenden Sie eine persönliche E-Mail-Adresse",
			"en": "Please use a personal email address",
			"es": "Utilice una dirección de correo electrónico personal",
			"fr": "Veuillez utiliser une adresse e-mail personnelle",
			"ja": "個人のメールアドレスを使ってください",
		},
		saidRefused: {
			"de": "Diese E-Mail-Adresse kann hier nicht verwendet werden. Bitte verwenden Sie eine andere",
			"en": "This email address cannot be used here. Please use another one",
			"es": "Esta dirección de correo electrónico no se puede utilizar aquí. Utilice otra",
			"fr": "Cette adresse e-mail ne peut pas être utilisée ici. Veuillez en utiliser une autre",
			"ja": "このメールアドレスはここでは使えません。別のアドレスを使ってください",
		},
	}
}
